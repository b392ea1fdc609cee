#include "checkpoints/pickle_reader.h"

#include <bit>
#include <unordered_map>

#include "platform/base/bytes.h"
#include "platform/base/printable.h"

namespace openp5::checkpoints {

using Kind = PickleValue::Kind;

// Runs the opcodes. Iterative: nesting in the file costs no stack of ours.
class PickleMachine {
 public:
  PickleMachine(std::string_view bytes, const PickleOptions& options)
      : options_(options), reader_(bytes) {}

  absl::StatusOr<Pickle> Run() {
    while (pickle_.root_ == nullptr) {
      opcode_position_ = reader_.position();
      uint8_t opcode = 0;
      if (!reader_.Number(&opcode)) return Damaged("another opcode");
      OPENP5_RETURN_IF_ERROR(Step(opcode));
      if (pickle_.values_.size() > Pickle::kMaximumValues ||
          memo_.size() > Pickle::kMaximumValues) {
        return InvalidArgument(Where(), ": expected at most ", Pickle::kMaximumValues,
                               " values, got more");
      }
    }
    pickle_.size_ = reader_.position();
    return std::move(pickle_);
  }

 private:
  std::string Where() const {
    return StrCat(options_.where, ": pickle: byte ", options_.base_position + opcode_position_);
  }
  absl::Status Damaged(std::string_view expected) const {
    return DataLoss(Where(), ": expected ", expected, ", got a damaged pickle");
  }

  absl::Status Step(uint8_t opcode);
  absl::Status ReadNumber(uint8_t opcode);
  absl::Status ReadText(uint8_t opcode);
  absl::Status ReadContainer(uint8_t opcode);
  absl::Status ReadMemo(uint8_t opcode);
  absl::Status ReadCall(uint8_t opcode);
  absl::Status ReadObject(uint8_t opcode);
  absl::Status Refuse(uint8_t opcode) const;

  PickleValue* Push(Kind kind) {
    PickleValue& value = pickle_.values_.emplace_back();
    value.kind = kind;
    stack_.push_back(&value);
    return &value;
  }
  // How many values lie above the last mark.
  size_t Available() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
  PickleValue* Pop() {
    PickleValue* value = stack_.back();
    stack_.pop_back();
    return value;
  }

  template <class T>
  absl::Status PushInteger() {
    T number = 0;
    if (!reader_.Number(&number)) return Damaged("a number");
    Push(Kind::kInteger)->integer = static_cast<int64_t>(number);
    return absl::OkStatus();
  }
  absl::Status PushLong();
  absl::Status PushReal();
  template <class Length>
  absl::Status PushText(Kind kind);
  absl::Status PushTuple(size_t count);
  absl::Status PushGlobal(std::string_view module, std::string_view name);
  template <class Index>
  absl::Status Get();
  template <class Index>
  absl::Status Put();
  // Moves what lies above the last mark into `values` and removes the mark.
  absl::Status TakeToMark(std::vector<const PickleValue*>* values);
  absl::Status Append(const std::vector<const PickleValue*>& values);
  absl::Status SetItems(const std::vector<const PickleValue*>& values);

  const PickleOptions& options_;
  ByteReader reader_;
  size_t opcode_position_ = 0;
  Pickle pickle_;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  std::unordered_map<uint32_t, PickleValue*> memo_;
};

absl::Status PickleMachine::Step(uint8_t opcode) {
  switch (opcode) {
    case 0x80:  // PROTO
    {
      uint8_t protocol = 0;
      if (!reader_.Number(&protocol)) return Damaged("a protocol");
      if (protocol >= 2 && protocol <= 5) return absl::OkStatus();
      return InvalidArgument(Where(), ": expected protocol 2 to 5, got ", protocol);
    }
    case 0x95:  // FRAME
      return reader_.Skip(8) ? absl::OkStatus() : Damaged("a frame's size");
    case '.':  // STOP
      if (stack_.size() != 1 || !marks_.empty()) return Damaged("one value at the end");
      pickle_.root_ = stack_.back();
      return absl::OkStatus();
    case '(':  // MARK
      marks_.push_back(stack_.size());
      return absl::OkStatus();
    case 'N':  // NONE
      Push(Kind::kNone);
      return absl::OkStatus();
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      Push(Kind::kBool)->integer = opcode == 0x88;
      return absl::OkStatus();
    default:
      return ReadNumber(opcode);
  }
}

absl::Status PickleMachine::ReadNumber(uint8_t opcode) {
  switch (opcode) {
    case 'K':  // BININT1
      return PushInteger<uint8_t>();
    case 'M':  // BININT2
      return PushInteger<uint16_t>();
    case 'J':  // BININT
      return PushInteger<int32_t>();
    case 0x8a:  // LONG1
      return PushLong();
    case 'G':  // BINFLOAT
      return PushReal();
    default:
      return ReadText(opcode);
  }
}

absl::Status PickleMachine::ReadText(uint8_t opcode) {
  switch (opcode) {
    case 0x8c:  // SHORT_BINUNICODE
    case 'U':   // SHORT_BINSTRING, of Python 2
      return PushText<uint8_t>(Kind::kString);
    case 'X':  // BINUNICODE
      return PushText<uint32_t>(Kind::kString);
    case 0x8d:  // BINUNICODE8
      return PushText<uint64_t>(Kind::kString);
    case 'C':  // SHORT_BINBYTES
      return PushText<uint8_t>(Kind::kBytes);
    case 'B':  // BINBYTES
      return PushText<uint32_t>(Kind::kBytes);
    default:
      return ReadContainer(opcode);
  }
}

absl::Status PickleMachine::ReadContainer(uint8_t opcode) {
  std::vector<const PickleValue*> values;
  switch (opcode) {
    case ')':  // EMPTY_TUPLE
      return PushTuple(0);
    case 0x85:  // TUPLE1
    case 0x86:  // TUPLE2
    case 0x87:  // TUPLE3
      return PushTuple(opcode - 0x84);
    case 't':  // TUPLE
      OPENP5_RETURN_IF_ERROR(TakeToMark(&values));
      Push(Kind::kTuple)->items = std::move(values);
      return absl::OkStatus();
    case ']':  // EMPTY_LIST
      Push(Kind::kList);
      return absl::OkStatus();
    case '}':  // EMPTY_DICT
      Push(Kind::kDict);
      return absl::OkStatus();
    case 'a':  // APPEND
      if (Available() < 2) return Damaged("a value to append");
      values = {Pop()};
      return Append(values);
    case 'e':  // APPENDS
      OPENP5_RETURN_IF_ERROR(TakeToMark(&values));
      return Append(values);
    case 's':  // SETITEM
      if (Available() < 3) return Damaged("a key and a value");
      values = {stack_[stack_.size() - 2], stack_.back()};
      stack_.resize(stack_.size() - 2);
      return SetItems(values);
    case 'u':  // SETITEMS
      OPENP5_RETURN_IF_ERROR(TakeToMark(&values));
      return SetItems(values);
    default:
      return ReadMemo(opcode);
  }
}

absl::Status PickleMachine::ReadMemo(uint8_t opcode) {
  switch (opcode) {
    case 'h':  // BINGET
      return Get<uint8_t>();
    case 'j':  // LONG_BINGET
      return Get<uint32_t>();
    case 'q':  // BINPUT
      return Put<uint8_t>();
    case 'r':  // LONG_BINPUT
      return Put<uint32_t>();
    case 0x94:  // MEMOIZE
      if (Available() == 0) return Damaged("a value to remember");
      memo_[static_cast<uint32_t>(memo_.size())] = stack_.back();
      return absl::OkStatus();
    default:
      return ReadCall(opcode);
  }
}

absl::Status PickleMachine::ReadCall(uint8_t opcode) {
  switch (opcode) {
    case 'c':  // GLOBAL
    {
      std::string_view module, name;
      if (!reader_.Line(&module) || !reader_.Line(&name)) return Damaged("a global's name");
      return PushGlobal(module, name);
    }
    case 0x93:  // STACK_GLOBAL
    {
      if (Available() < 2) return Damaged("a global's name");
      const PickleValue* name = Pop();
      const PickleValue* module = Pop();
      if (name->kind != Kind::kString || module->kind != Kind::kString) {
        return Damaged("a global's name");
      }
      return PushGlobal(module->text, name->text);
    }
    case 'R':  // REDUCE
    {
      if (Available() < 2) return Damaged("a callable and its arguments");
      const PickleValue* arguments = Pop();
      const PickleValue* callable = Pop();
      const bool can_be_called = callable->kind == Kind::kGlobal ||
                                 (options_.keeps_objects && callable->kind == Kind::kObject);
      if (!can_be_called || arguments->kind != Kind::kTuple) {
        return Damaged("a callable and its arguments");
      }
      Push(Kind::kObject)->items = {callable, arguments};
      return absl::OkStatus();
    }
    case 'b':  // BUILD
    {
      if (Available() < 2) return Damaged("an object and its state");
      const PickleValue* state = Pop();
      if (stack_.back()->kind != Kind::kObject) return Damaged("an object and its state");
      stack_.back()->state = state;
      return absl::OkStatus();
    }
    case 'Q':  // BINPERSID
    {
      if (Available() == 0) return Damaged("a persistent id");
      const PickleValue* id = Pop();
      Push(Kind::kPersistentId)->items = {id};
      return absl::OkStatus();
    }
    default:
      return options_.keeps_objects ? ReadObject(opcode) : Refuse(opcode);
  }
}

// What is made of classes that a state dict does not need.
absl::Status PickleMachine::ReadObject(uint8_t opcode) {
  std::vector<const PickleValue*> values;
  switch (opcode) {
    case 0x81:  // NEWOBJ
    case 0x92:  // NEWOBJ_EX
    {
      const size_t parts = opcode == 0x81 ? 2 : 3;
      if (Available() < parts) return Damaged("a class and its arguments");
      if (parts == 3) Pop();  // arguments by name
      const PickleValue* arguments = Pop();
      const PickleValue* made_of = Pop();
      if (made_of->kind != Kind::kGlobal || arguments->kind != Kind::kTuple) {
        return Damaged("a class and its arguments");
      }
      Push(Kind::kObject)->items = {made_of, arguments};
      return absl::OkStatus();
    }
    case 0x8f:  // EMPTY_SET
      Push(Kind::kObject);
      return absl::OkStatus();
    case 0x90:  // ADDITEMS
      OPENP5_RETURN_IF_ERROR(TakeToMark(&values));
      return Available() > 0 && stack_.back()->kind == Kind::kObject ? absl::OkStatus()
                                                                     : Damaged("a set");
    case 0x91:  // FROZENSET
      OPENP5_RETURN_IF_ERROR(TakeToMark(&values));
      Push(Kind::kObject);
      return absl::OkStatus();
    case 0x8b:  // LONG4
    {
      uint32_t size = 0;
      std::string_view bytes;
      if (!reader_.Number(&size) || !reader_.Take(size, &bytes)) return Damaged("a long number");
      Push(Kind::kBigInteger)->text = std::string(bytes);
      return absl::OkStatus();
    }
    case '0':  // POP
      if (Available() == 0) return Damaged("a value to drop");
      Pop();
      return absl::OkStatus();
    default:
      return Refuse(opcode);
  }
}

absl::Status PickleMachine::Refuse(uint8_t opcode) const {
  static constexpr std::pair<uint8_t, std::string_view> kNames[] = {
      {'i', "INST"},  {'o', "OBJ"},   {0x81, "NEWOBJ"}, {0x92, "NEWOBJ_EX"}, {0x82, "EXT1"},
      {0x83, "EXT2"}, {0x84, "EXT4"}, {'P', "PERSID"},  {'I', "INT"},        {'S', "STRING"},
      {'p', "PUT"},   {'g', "GET"},   {'V', "UNICODE"}, {'0', "POP"},        {'1', "POP_MARK"},
      {'2', "DUP"},   {'l', "LIST"},  {'d', "DICT"},    {0x8b, "LONG4"},     {0x8f, "EMPTY_SET"},
  };
  std::string_view name = "unknown";
  for (const auto& [known, known_name] : kNames) {
    if (known == opcode) name = known_name;
  }
  return InvalidArgument(Where(), ": opcode 0x", std::string(absl::StrCat(absl::Hex(opcode))), " (",
                         name, ") is refused: a state dict needs none of it");
}

absl::Status PickleMachine::PushLong() {
  uint8_t size = 0;
  std::string_view bytes;
  if (!reader_.Number(&size) || !reader_.Take(size, &bytes)) return Damaged("a long number");
  if (size > sizeof(int64_t)) {
    Push(Kind::kBigInteger)->text = std::string(bytes);
    return absl::OkStatus();
  }
  // Two's complement: the highest bit given fills the rest.
  uint64_t number = size > 0 && (bytes.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
  std::memcpy(&number, bytes.data(), bytes.size());
  Push(Kind::kInteger)->integer = static_cast<int64_t>(number);
  return absl::OkStatus();
}

absl::Status PickleMachine::PushReal() {
  uint64_t bits = 0;
  if (!reader_.Number(&bits)) return Damaged("a real number");
  Push(Kind::kReal)->real = std::bit_cast<double>(__builtin_bswap64(bits));  // the only big-endian
  return absl::OkStatus();
}

template <class Length>
absl::Status PickleMachine::PushText(Kind kind) {
  Length length = 0;
  std::string_view text;
  if (!reader_.Number(&length) || !reader_.Take(length, &text)) return Damaged("text");
  Push(kind)->text = std::string(text);
  return absl::OkStatus();
}

absl::Status PickleMachine::PushTuple(size_t count) {
  if (Available() < count) return Damaged("a tuple's items");
  std::vector<const PickleValue*> items(stack_.end() - static_cast<std::ptrdiff_t>(count),
                                        stack_.end());
  stack_.resize(stack_.size() - count);
  Push(Kind::kTuple)->items = std::move(items);
  return absl::OkStatus();
}

absl::Status PickleMachine::PushGlobal(std::string_view module, std::string_view name) {
  std::string full = StrCat(module, ".", name);
  if (!options_.allows_global(full)) {
    return InvalidArgument(Where(), ": global '", Printable(full),
                           "' is refused: not part of a state dict");
  }
  Push(Kind::kGlobal)->text = std::move(full);
  return absl::OkStatus();
}

template <class Index>
absl::Status PickleMachine::Get() {
  Index index = 0;
  if (!reader_.Number(&index)) return Damaged("a memo's index");
  const auto found = memo_.find(index);
  if (found == memo_.end()) return Damaged(StrCat("memo ", index, " set before"));
  stack_.push_back(found->second);
  return absl::OkStatus();
}

template <class Index>
absl::Status PickleMachine::Put() {
  Index index = 0;
  if (!reader_.Number(&index) || Available() == 0) return Damaged("a value to remember");
  memo_[index] = stack_.back();
  return absl::OkStatus();
}

absl::Status PickleMachine::TakeToMark(std::vector<const PickleValue*>* values) {
  if (marks_.empty()) return Damaged("a mark");
  values->assign(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return absl::OkStatus();
}

absl::Status PickleMachine::Append(const std::vector<const PickleValue*>& values) {
  if (Available() == 0) return Damaged("a list");
  PickleValue& list = *stack_.back();
  if (list.kind == Kind::kObject && options_.keeps_objects) return absl::OkStatus();  // one like it
  if (list.kind != Kind::kList) return Damaged("a list");
  list.items.insert(list.items.end(), values.begin(), values.end());
  return absl::OkStatus();
}

absl::Status PickleMachine::SetItems(const std::vector<const PickleValue*>& values) {
  if (values.size() % 2 != 0) return Damaged("a value for every key");
  if (Available() == 0 ||
      (stack_.back()->kind != Kind::kDict && stack_.back()->kind != Kind::kObject)) {
    return Damaged("a dict");
  }
  for (size_t i = 0; i < values.size(); i += 2) {
    stack_.back()->entries.emplace_back(values[i], values[i + 1]);
  }
  return absl::OkStatus();
}

std::string_view NameOf(Kind kind) {
  switch (kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return "a bool";
    case Kind::kInteger:
    case Kind::kBigInteger:
      return "an integer";
    case Kind::kReal:
      return "a real number";
    case Kind::kString:
      return "a string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kTuple:
      return "a tuple";
    case Kind::kList:
      return "a list";
    case Kind::kDict:
      return "a dict";
    case Kind::kGlobal:
      return "a global";
    case Kind::kObject:
      return "an object";
    case Kind::kPersistentId:
      return "a storage";
  }
  return "an unknown value";
}

absl::StatusOr<Pickle> Pickle::Read(std::string_view bytes, const PickleOptions& options) {
  return PickleMachine(bytes, options).Run();
}

}  // namespace openp5::checkpoints
