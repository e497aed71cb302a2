//! The framing against streams of a Go server, against itself, and against nonsense.

use alloc::vec;
use alloc::vec::Vec;
use std::string::String;

use proptest::prelude::*;

use super::frame::{MAX_BLOCK, checksum};
use super::{Mode, Reader, S2Error, Writer};

const MODES: [Mode; 4] = [Mode::Uncompressed, Mode::Fast, Mode::Better, Mode::Best];

/// What a reader makes of a stream that comes in the pieces between `cuts`.
fn plain(stream: &[u8], cuts: impl IntoIterator<Item = usize>) -> Result<Vec<u8>, S2Error> {
    let mut reader = Reader::new();
    let mut out = Vec::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([stream.len()]) {
        let mut piece = &stream[from..to];
        while !piece.is_empty() {
            let before = out.len();
            let taken = reader.read(piece, &mut out)?;
            assert!(taken > 0 && out.len() - before <= MAX_BLOCK);
            piece = &piece[taken..];
        }
        from = to;
    }
    Ok(out)
}

fn whole(stream: &[u8]) -> Result<Vec<u8>, S2Error> {
    let mut reader = Reader::new();
    let mut out = Vec::new();
    let mut at = 0;
    while at < stream.len() {
        at += reader.read(&stream[at..], &mut out)?;
    }
    assert!(reader.is_between_chunks());
    Ok(out)
}

fn framed(mode: Mode, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::new().write(mode, parts.iter().copied(), &mut out);
    out
}

/// What both sides of a Go server's route sent after they had switched to compression, the acceptor
/// first: INFO, PING, PONG in some order, then interest in 20 subjects; the same, then 20 messages.
fn check_captured(stream: &[u8]) {
    let text = String::from_utf8(whole(stream).unwrap()).unwrap();
    let (acceptor, dialler) = text.rsplit_once("INFO ").unwrap();
    assert!(acceptor.starts_with("INFO {\"server_id\":\"N"));
    assert!(dialler.starts_with("{\"server_id\":\"N"));
    let subject = |i| std::format!("$G some.long.subject.name.{i}");
    let interest: String = (0..20)
        .map(|i| std::format!("RS+ {}\r\n", subject(i)))
        .collect();
    let message = |i| std::format!("RMSG {} 40\r\n{}\r\n", subject(i), "abcdefgh".repeat(5));
    let messages: String = (0..20).map(message).collect();
    assert!(acceptor.ends_with(&interest), "{acceptor}");
    assert!(dialler.ends_with(&messages), "{dialler}");
    for step in [1, 3, 4, 5, 10, 11, 1000] {
        let cuts = (0..stream.len()).step_by(step);
        assert_eq!(plain(stream, cuts).unwrap(), text.as_bytes());
    }
}

#[test]
fn streams_of_a_go_server_are_read_in_every_mode() {
    check_captured(include_bytes!("testdata/uncompressed.s2"));
    check_captured(include_bytes!("testdata/fast.s2"));
    check_captured(include_bytes!("testdata/better.s2"));
    check_captured(include_bytes!("testdata/best.s2"));
}

#[test]
fn a_short_batch_is_written_as_a_go_server_writes_it() {
    let ping = b"\xff\x06\x00\x00S2sTwO\x01\n\x00\x00\xab\x90\xcc$PING\r\n";
    for mode in MODES {
        assert_eq!(framed(mode, &[b"PI", b"", b"NG\r\n"]), ping);
        assert_eq!(framed(mode, &[]), b"");
        assert_eq!(framed(mode, &[b""]), b"");
    }
}

#[test]
fn what_repeats_gets_shorter_and_noise_stays_as_it_is() {
    let text = b"RMSG $G some.long.subject 5\r\nhello\r\n".repeat(100);
    let noise: Vec<u8> = (0u32..2000)
        .map(|n| (n.wrapping_mul(0x9e37_79b1) >> 13) as u8 ^ (n.wrapping_mul(n) >> 5) as u8)
        .collect();
    for mode in [Mode::Fast, Mode::Better, Mode::Best] {
        assert!(framed(mode, &[&text]).len() < text.len() / 10, "{mode:?}");
    }
    assert_eq!(framed(Mode::Uncompressed, &[&text]).len(), text.len() + 18);
    for mode in MODES {
        assert!(framed(mode, &[&noise]).len() <= noise.len() + 18);
    }
}

#[test]
fn batches_over_a_block_come_back_in_every_mode() {
    let part = b"0123456789abcdefghijklmnopqrstuvwxyz".repeat(20_000);
    let big = [&part[..], &part[..], &part[..], &part[..]].concat();
    for mode in MODES {
        for parts in [
            &[&big[..]][..],
            &[&part[..], &part[..], &part[..], &part[..]],
            &[&part[..], &big[part.len()..]],
            &[&big[..part.len() * 2], b"", &big[part.len() * 2..]],
        ] {
            assert!(whole(&framed(mode, parts)).unwrap() == big, "{mode:?}");
        }
    }
}

#[test]
fn a_writer_remembers_nothing_between_batches() {
    let mut writer = Writer::new();
    let batch = b"some text that comes again and again and again".as_slice();
    for mode in MODES {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        writer.write(mode, [batch], &mut first);
        writer.write(mode, [batch], &mut second);
        assert_eq!(first, second);
        assert_eq!(whole(&second).unwrap(), batch);
    }
}

/// A chunk, its length as it is.
fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&[kind, len[0], len[1], len[2]], body].concat()
}

fn identified(chunks: &[u8]) -> Vec<u8> {
    [&chunk(0xff, b"S2sTwO"), chunks].concat()
}

fn data(kind: u8, sum: u32, body: &[u8]) -> Vec<u8> {
    chunk(kind, &[&sum.to_le_bytes(), body].concat())
}

#[test]
fn what_is_no_stream_is_refused_with_the_usual_words() {
    let corrupt = "s2: corrupt input";
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"INFO {}\r\n".to_vec(), corrupt),
        (data(1, checksum(b"x"), b"x"), corrupt),
        (chunk(0xff, b"S2sTw0"), corrupt),
        (chunk(0xff, b"S2sTwOO"), corrupt),
        (identified(&chunk(1, b"abc")), corrupt),
        (identified(&chunk(0, b"")), corrupt),
        (identified(&data(0, 0, b"")), corrupt),
        (identified(&data(0, 0, b"\x05\x00a")), corrupt),
        (identified(&chunk(2, b"")), "s2: unsupported input"),
        (identified(&chunk(0x7f, b"x")), "s2: unsupported input"),
        (
            identified(&data(1, checksum(b"x"), b"y")),
            "s2: corrupt input, crc mismatch",
        ),
        (
            identified(&data(0, 0, b"\x01\x00a")),
            "s2: corrupt input, crc mismatch",
        ),
        (
            identified(&[1, 5, 0, 0x40]),
            "s2: decoded block is too large",
        ),
        (
            identified(&data(0, 0, b"\xff\xff\xff\xff\x0f")),
            "s2: decoded block is too large",
        ),
        // 65,537 bytes are fine in S2, but not in the older format.
        (
            [chunk(0xff, b"sNaPpY"), vec![1, 5, 0, 1]].concat(),
            "s2: decoded block is too large",
        ),
    ];
    for (stream, text) in cases {
        let refused = whole(&stream).map_err(|e| std::format!("{e}"));
        assert_eq!(refused, Err(text.into()), "{stream:?}");
        let drip = plain(&stream, 0..stream.len()).map_err(|e| std::format!("{e}"));
        assert_eq!(drip, refused);
    }
}

#[test]
fn chunks_of_no_interest_are_passed_over_without_keeping_them() {
    let hi = data(1, checksum(b"hi"), b"hi");
    let index = chunk(0x99, &[7; 5000]);
    let padding = chunk(0xfe, &vec![0; 0x00ff_ffff]);
    let reserved = chunk(0x80, b"");
    let chunks = [&index[..], &hi, &padding, &reserved, &hi].concat();
    assert_eq!(whole(&identified(&chunks)).unwrap(), b"hihi");
    let stream = identified(&padding);
    let mut reader = Reader::new();
    let mut out = Vec::new();
    for piece in stream.chunks(100_000) {
        let mut at = 0;
        while at < piece.len() {
            at += reader.read(&piece[at..], &mut out).unwrap();
        }
    }
    assert!(reader.is_between_chunks());
    assert_eq!(reader.buffered(), 0);
}

#[test]
fn the_older_format_is_read_too() {
    let stream = [
        chunk(0xff, b"sNaPpY"),
        data(0, checksum(b"aaaaaaaa"), b"\x08\x00a\x0d\x01"),
        chunk(0xff, b"S2sTwO"),
        data(1, checksum(b"b"), b"b"),
    ]
    .concat();
    assert_eq!(whole(&stream).unwrap(), b"aaaaaaaab");
}

fn modes() -> impl Strategy<Value = Mode> {
    proptest::sample::select(MODES.to_vec())
}

/// Text with repetitions and noise.
fn batches() -> impl Strategy<Value = Vec<(Mode, Vec<Vec<u8>>)>> {
    let words = proptest::collection::vec("[a-d]{1,6}", 0..200)
        .prop_map(|words| words.concat().into_bytes());
    let noise = proptest::collection::vec(any::<u8>(), 0..300);
    let part = prop_oneof![words, noise];
    let batch = (modes(), proptest::collection::vec(part, 0..4));
    proptest::collection::vec(batch, 0..4)
}

proptest! {
    #[test]
    fn what_is_written_is_read_whatever_the_pieces(
        batches in batches(),
        mut cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut writer = Writer::new();
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        for (mode, parts) in &batches {
            writer.write(*mode, parts.iter().map(Vec::as_slice), &mut stream);
            expected.extend(parts.concat());
        }
        let mut cuts: Vec<usize> = cuts.drain(..).map(|i| i.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(plain(&stream, cuts), Ok(expected.clone()));
        prop_assert_eq!(plain(&stream, 0..stream.len()), Ok(expected));
    }

    #[test]
    fn one_wrong_bit_is_noticed_or_does_no_harm(
        text in "[a-c ]{40,200}",
        mode in modes(),
        at in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let good = framed(mode, &[text.as_bytes()]);
        let mut bad = good.clone();
        let at = at.index(bad.len());
        bad[at] ^= 1u8 << bit;
        // A longer length waits for bytes that never come, and a block can say the same in two ways.
        if let Ok(out) = plain(&bad, [at]) {
            prop_assert!(out.is_empty() || out == text.as_bytes(), "byte {at}: {out:?}");
        }
    }

    #[test]
    fn nonsense_is_taken_the_same_way_in_any_pieces(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        kind in prop_oneof![Just(0u8), Just(1), Just(0xfe), any::<u8>()],
        cut in any::<prop::sample::Index>(),
    ) {
        let stream = identified(&chunk(kind, &noise));
        let stream = [&stream[..], &noise].concat();
        let at_once = plain(&stream, []);
        prop_assert_eq!(&plain(&stream, [cut.index(stream.len())]), &at_once);
        prop_assert_eq!(&plain(&stream, 0..stream.len()), &at_once);
    }
}
