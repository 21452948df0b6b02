//! Where the music begins and ends in an M4A file.
//!
//! symphonia 0.6 decodes all that is stored, encoder delay included (1,024 frames from ffmpeg, 2,112 from iTunes).
//! What belongs to the music stands in the edit list of the track, or, exactly to the sample, in a comment that iTunes writes.
//! Both are read here from the `moov` box; without them everything is kept. A damaged box is as good as none.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// What was decoded around the music, in ticks.
///
/// A tick is mostly a frame; in a file of HE-AAC that calls itself AAC-LC it is two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edges {
    /// Ticks before the music.
    pub(super) skip: u64,
    /// Ticks of music, if that is said.
    pub(super) keep: Option<u64>,
    /// Ticks per second; 0 if nothing is said.
    pub(super) ticks_per_sec: u32,
    /// Whether `skip` counts what the encoder delays only, as iTunes does, and not what HE-AAC's decoders add.
    pub(super) encoder_only: bool,
}

/// More than any `moov` box of a song: an index takes some bytes a packet.
const MAX_MOOV_BYTES: u64 = 64 << 20;

/// Reads the edges of the first audio track of an MP4 file; none if there are none or they cannot be read.
pub(super) fn of_mp4(path: &Path) -> Edges {
    read_moov(path)
        .ok()
        .flatten()
        .and_then(|moov| of_moov(&moov))
        .unwrap_or_default()
}

/// The content of the top-level `moov` box.
fn read_moov(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len();
    let mut at = 0;
    while at + 8 <= end {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        let n = file.read(&mut head)?;
        let Some((size, kind, head_len)) = box_head(&head[..n], end - at) else {
            return Ok(None);
        };
        if &kind == b"moov" {
            let len = size - head_len;
            if len > MAX_MOOV_BYTES {
                return Ok(None);
            }
            file.seek(SeekFrom::Start(at + head_len))?;
            let mut moov = Vec::new();
            file.take(len).read_to_end(&mut moov)?;
            return Ok(Some(moov));
        }
        at += size;
    }
    Ok(None)
}

/// Size (head included), kind and length of the head of the box that begins here, if it makes sense.
fn box_head(bytes: &[u8], available: u64) -> Option<(u64, [u8; 4], u64)> {
    let kind = bytes.get(4..8)?.try_into().ok()?;
    let (size, head_len) = match u32_at(bytes, 0)? {
        0 => (available, 8),
        1 => (u64_at(bytes, 8)?, 16),
        size => (u64::from(size), 8),
    };
    (head_len..=available)
        .contains(&size)
        .then_some((size, kind, head_len))
}

/// The boxes inside a box: kind and content. Ends where sense ends.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (size, kind, head_len) = box_head(bytes, bytes.len() as u64)?;
        let content = bytes.get(head_len as usize..size as usize)?;
        bytes = &bytes[size as usize..];
        Some((kind, content))
    })
}

fn child<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, kind| {
        boxes(bytes)
            .find(|(k, _)| k == *kind)
            .map(|(_, content)| content)
    })
}

fn of_moov(moov: &[u8]) -> Option<Edges> {
    let track = boxes(moov)
        .filter(|(kind, _)| kind == b"trak")
        .map(|(_, content)| content)
        .find(|track| {
            child(track, &[b"mdia", b"hdlr"]).and_then(|handler| handler.get(8..12))
                == Some(b"soun".as_slice())
        })?;
    let (media_ticks_per_sec, media_ticks) = clock(child(track, &[b"mdia", b"mdhd"])?)?;
    let (movie_ticks_per_sec, _) = clock(child(moov, &[b"mvhd"])?)?;
    let ticks_per_sec = media_ticks_per_sec as u32;
    if let Some((skip, music)) = of_itunes_comment(moov) {
        return Some(Edges {
            skip,
            keep: (music > 0).then_some(music),
            ticks_per_sec,
            encoder_only: true,
        });
    }
    let parts = edit_list(child(track, &[b"edts", b"elst"])?);
    // An empty part (start -1) only delays the start within a film.
    let mut music = parts.iter().filter(|part| part.1 >= 0);
    let &(movie_ticks, start_ticks) = music.next()?;
    let skip = start_ticks as u64;
    let stored = media_ticks.saturating_sub(skip);
    // Movie ticks are mostly milliseconds: too coarse to cut by, unless they cut off more than a tick.
    let from_movie = |ticks: u64| {
        (u128::from(ticks) * u128::from(media_ticks_per_sec) / u128::from(movie_ticks_per_sec))
            as u64
    };
    let listed = from_movie(movie_ticks);
    let tick = from_movie(1) + 1;
    let several = music.next().is_some();
    let keep = if several || movie_ticks == 0 || listed.saturating_add(tick) >= stored {
        stored
    } else {
        listed
    };
    // A fragmented file has its packets, and their duration, elsewhere.
    let keep = (media_ticks > 0).then_some(keep);
    Some(Edges {
        skip,
        keep,
        ticks_per_sec,
        encoder_only: false,
    })
}

/// Ticks a second and duration in ticks of an `mvhd` or `mdhd` box.
fn clock(header: &[u8]) -> Option<(u64, u64)> {
    let (ticks_per_sec, ticks) = if header.first()? == &1 {
        (u32_at(header, 20)?, u64_at(header, 24)?)
    } else {
        (u32_at(header, 12)?, u64::from(u32_at(header, 16)?))
    };
    (ticks_per_sec > 0).then_some((u64::from(ticks_per_sec), ticks))
}

/// Parts of an edit list: duration in movie ticks, start in media ticks.
fn edit_list(list: &[u8]) -> Vec<(u64, i64)> {
    let long = list.first() == Some(&1);
    let entry_len = if long { 20 } else { 12 };
    let n = u32_at(list, 4).unwrap_or(0) as usize;
    list.get(8..)
        .unwrap_or_default()
        .chunks_exact(entry_len)
        .take(n)
        .filter_map(|entry| {
            Some(if long {
                (u64_at(entry, 0)?, u64_at(entry, 8)? as i64)
            } else {
                (
                    u64::from(u32_at(entry, 0)?),
                    i64::from(u32_at(entry, 4)? as i32),
                )
            })
        })
        .collect()
}

/// `iTunSMPB`: hexadecimal numbers, of which the second is the delay, the third the padding, the fourth the music.
/// Delay and music, in media ticks.
fn of_itunes_comment(moov: &[u8]) -> Option<(u64, u64)> {
    let meta = child(moov, &[b"udta", b"meta"])?.get(4..)?;
    let list = child(meta, &[b"ilst"])?;
    let text = boxes(list)
        .filter(|(kind, _)| kind == b"----")
        .filter(|(_, item)| {
            child(item, &[b"name"]).and_then(|name| name.get(4..)) == Some(b"iTunSMPB".as_slice())
        })
        .find_map(|(_, item)| child(item, &[b"data"])?.get(8..))?;
    let mut numbers = std::str::from_utf8(text)
        .ok()?
        .split_ascii_whitespace()
        .map(|number| u64::from_str_radix(number, 16).ok());
    let _version = numbers.next()??;
    let delay = numbers.next()??;
    let _padding = numbers.next()??;
    let music = numbers.next()??;
    Some((delay, music))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + 8)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn make(kind: &[u8], content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        let mut bytes = (content.len() as u32 + 8).to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.extend(content);
        bytes
    }

    fn numbers(values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_be_bytes()).collect()
    }

    /// A `moov` of one track at 44.1 kHz with millisecond movie ticks.
    fn moov(media_ticks: u32, edit: &[u32], comment: Option<&str>) -> Vec<u8> {
        let entry = [vec![0; 24], numbers(&[44_100 << 16])].concat();
        let track = make(
            b"trak",
            &[
                &make(
                    b"edts",
                    &[&make(
                        b"elst",
                        &[&numbers(&[0, edit.len() as u32 / 3]), &numbers(edit)],
                    )],
                ),
                &make(
                    b"mdia",
                    &[
                        &make(b"mdhd", &[&numbers(&[0, 0, 0, 44_100, media_ticks, 0])]),
                        &make(b"hdlr", &[&[0; 8], b"soun", &[0; 13]]),
                        &make(
                            b"minf",
                            &[&make(
                                b"stbl",
                                &[&make(
                                    b"stsd",
                                    &[&numbers(&[0, 1]), &make(b"mp4a", &[&entry])],
                                )],
                            )],
                        ),
                    ],
                ),
            ],
        );
        let mut parts = vec![make(b"mvhd", &[&numbers(&[0, 0, 0, 1_000, 0])]), track];
        if let Some(text) = comment {
            let item = make(
                b"----",
                &[
                    &make(b"mean", &[&[0; 4], b"com.apple.iTunes"]),
                    &make(b"name", &[&[0; 4], b"iTunSMPB"]),
                    &make(b"data", &[&[0; 8], text.as_bytes()]),
                ],
            );
            parts.push(make(
                b"udta",
                &[&make(b"meta", &[&[0; 4], &make(b"ilst", &[&item])])],
            ));
        }
        parts.concat()
    }

    fn check(moov: &[u8], skip: u64, keep: u64) {
        let edges = of_moov(moov).unwrap();
        assert_eq!((edges.skip, edges.keep), (skip, Some(keep)));
        assert_eq!(edges.ticks_per_sec, 44_100);
    }

    #[test]
    fn the_edit_list_gives_the_start_and_the_stored_duration_the_exact_end() {
        // 2,000.02 ms of music after 1,024 frames: the millisecond count must not round it.
        check(
            &moov(1_024 + 88_201, &[2_000, 1_024, 1 << 16], None),
            1_024,
            88_201,
        );
        // A real cut, a second before the end.
        check(
            &moov(1_024 + 88_200, &[1_000, 1_024, 1 << 16], None),
            1_024,
            44_100,
        );
        // An empty part first, as films have it.
        check(
            &moov(
                89_224,
                &[40, u32::MAX, 1 << 16, 2_000, 1_024, 1 << 16],
                None,
            ),
            1_024,
            88_200,
        );
    }

    #[test]
    fn the_itunes_comment_is_exact_and_goes_first() {
        let text = " 00000000 00000840 000001CA 00000000003F31F6 00000000 00000000";
        check(
            &moov(89_224, &[2_000, 1_024, 1 << 16], Some(text)),
            0x840,
            0x3F31F6,
        );
        let edges = |comment| of_moov(&moov(89_224, &[2_000, 1_024, 1 << 16], comment)).unwrap();
        assert!(edges(Some(text)).encoder_only && !edges(None).encoder_only);
        check(
            &moov(89_224, &[2_000, 1_024, 1 << 16], Some("nonsense")),
            1_024,
            88_200,
        );
    }

    proptest! {
        #[test]
        fn damaged_boxes_are_as_good_as_none(at in 0usize..400, byte in any::<u8>(), len in 0usize..400) {
            let mut bytes = moov(89_224, &[2_000, 1_024, 1 << 16], Some(" 0 840 1CA 3F31F6"));
            let n = bytes.len();
            bytes[at % n] = byte;
            bytes.truncate(len.max(1));
            let _ = of_moov(&bytes);
        }
    }
}
