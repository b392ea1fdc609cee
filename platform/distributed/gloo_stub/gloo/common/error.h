// LibTorch includes this file and uses nothing of it.
