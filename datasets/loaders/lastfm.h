#ifndef OPENP5_DATASETS_LOADERS_LASTFM_H_
#define OPENP5_DATASETS_LOADERS_LASTFM_H_

#include "datasets/loaders/raw_dataset.h"

namespace openp5::datasets {

// HetRec 2011 Last.fm (Cantador, Brusilovsky and Kuflik, 2011) from hetrec2011-lastfm-2k.zip,
// unpacked or not. As in S3-Rec (arXiv 2008.07873), from which OpenP5 took it, an interaction is
// that a user tagged an artist: the first row of a pair in user_taggedartists-timestamps.dat. Users
// and items are renumbered; names come from artists.dat, if it is there.
DatasetPreset LastFm();

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_LASTFM_H_
