//! An encrypted stream as a stream: bytes in order, blocked sockets, ends.

use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;

use gannet_rt::future::yield_now;
use gannet_rt::io::{AsyncReadExt, AsyncWriteExt};
use gannet_rt::tls::TlsContext;
use gannet_rt::{Rt, Stream};

use crate::certificates::*;
use crate::common::*;

/// Both ends of an encrypted connection.
async fn encrypted(place: &Place) -> (Arc<Stream>, Arc<Stream>) {
    let files = Files::new(&place.server);
    let ca = Authority::new("ca");
    let client = settings(&files, "client", &ca, named_b, &ca);
    let server = settings(&files, "server", &ca, named_a, &ca);
    let outcome = shake(place, &client, &server, "a.example.com").await;
    assert_eq!(outcome.texts(), ("ok".into(), "ok".into()));
    outcome.streams
}

#[test]
fn large_transfers_cross_both_ways_at_once() {
    in_both_worlds(async |place| {
        let (dialled, accepted) = encrypted(&place).await;
        let sent = pattern(700_000);
        let mut tasks = Vec::new();
        for stream in [&dialled, &accepted] {
            let (stream, sent) = (stream.clone(), sent.clone());
            tasks.push(place.client.spawn(async move {
                write_all(&stream, &sent).await.expect("writes");
            }));
        }
        for stream in [&dialled, &accepted] {
            let got = read_n(stream, sent.len()).await.expect("reads");
            assert!(got == sent);
        }
        for mut task in tasks {
            task.join().await;
        }
    });
}

#[test]
fn many_small_pieces_arrive_as_one_sequence() {
    in_both_worlds(async |place| {
        let (dialled, accepted) = encrypted(&place).await;
        let big = pattern(90_000);
        let small: Vec<&[u8]> = big.chunks(17).take(100).collect();
        let pieces: Vec<&[u8]> = small.iter().copied().chain([&b""[..], &big]).collect();
        let wanted = pieces.concat();
        let stream = dialled.clone();
        let len = wanted.len();
        let reader = async move {
            // Short reads, of which many end within a record.
            let mut got = Vec::new();
            while got.len() < len {
                let mut buf = vec![0; 1 + got.len() % 3000];
                let n = read(&accepted, &mut buf).await.expect("reads");
                assert_ne!(n, 0);
                got.extend_from_slice(&buf[..n]);
            }
            assert!(got == wanted);
        };
        let writer = async {
            write_all_vectored(&stream, &pieces).await.expect("writes");
        };
        both(&place.server, reader, writer).await;
    });
}

/// Runs two futures to their ends.
async fn both(
    rt: &Rt,
    first: impl Future<Output = ()> + Send + 'static,
    second: impl Future<Output = ()>,
) {
    let mut task = rt.spawn(first);
    second.await;
    assert_eq!(task.join().await, gannet_rt::Joined::Finished);
}

#[test]
fn a_blocked_stream_reports_bytes_when_they_have_left() {
    in_both_worlds(async |place| {
        let (dialled, accepted) = encrypted(&place).await;
        let sent = pattern(30_000_000);
        let mut done = 0;
        // Nobody reads, so this ends.
        loop {
            match dialled.try_write(&sent[done..]) {
                Ok(n) => done += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) => panic!("{e}"),
            }
            yield_now().await;
        }
        assert!(done < sent.len(), "the socket took everything");
        // Asked again, it is as blocked as before.
        let again = dialled.try_write(&sent[done..]).expect_err("full");
        assert_eq!(again.kind(), ErrorKind::WouldBlock);
        // Another task goes on where this one stopped, in pieces cut otherwise.
        let rest = sent[done..].to_vec();
        let stream = dialled.clone();
        let writer = async move {
            let pieces: Vec<&[u8]> = rest.chunks(9_973).collect();
            let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|p| IoSlice::new(p)).collect();
            let mut left = slices.as_mut_slice();
            while !left.is_empty() {
                poll_fn(|cx| stream.poll_write_ready(cx))
                    .await
                    .expect("ready");
                match stream.try_write_vectored(left) {
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                    done => IoSlice::advance_slices(&mut left, done.expect("writes")),
                }
            }
            stream.shutdown_write();
        };
        let wanted = sent.clone();
        let reader = async {
            let got = read_to_end(&accepted).await.expect("reads");
            assert!(got == wanted);
        };
        both(&place.client, writer, reader).await;
    });
}

#[test]
fn a_half_closed_encrypted_stream_still_answers() {
    in_both_worlds(async |place| {
        let (dialled, accepted) = encrypted(&place).await;
        write_all(&dialled, b"question").await.expect("writes");
        dialled.shutdown_write();
        assert_eq!(read_to_end(&accepted).await.expect("reads"), b"question");
        write_all(&accepted, b"answer").await.expect("writes");
        accepted.shutdown();
        assert_eq!(read_to_end(&dialled).await.expect("reads"), b"answer");
        // The end is seen again and again.
        assert_eq!(read(&dialled, &mut [0; 4]).await.expect("reads"), 0);
    });
}

/// What a proxy does to the bytes that pass from the client's side.
#[derive(Clone, Copy)]
enum Meddling {
    /// Ends the connection in the middle of the last record.
    Cut,
    /// Changes the last byte.
    Flip,
}

/// A connection through a proxy that meddles with what comes after the handshake.
async fn meddled(place: &Place, meddling: Meddling) -> (Arc<Stream>, Arc<Stream>) {
    let (dialled, near) = place.pair().await;
    let (far, accepted) = place.pair().await;
    let (near, far) = (Arc::new(near), Arc::new(far));
    let (from, to) = (far.clone(), near.clone());
    place.server.spawn(async move {
        let mut buf = [0; 4096];
        while let Ok(n @ 1..) = read(&from, &mut buf).await {
            write_all(&to, &buf[..n]).await.expect("writes");
        }
    });
    place.server.spawn(async move {
        // Records of the handshake pass; of those that follow, the second is meddled with.
        let mut seen = 0;
        loop {
            let Ok(mut record) = read_n(&near, 5).await else {
                return;
            };
            let size = usize::from(record[3]) << 8 | usize::from(record[4]);
            let Ok(body) = read_n(&near, size).await else {
                return;
            };
            record.extend(body);
            // Of the client's records only application data is as large as this.
            seen += usize::from(size > 4000);
            if seen == 2 {
                match meddling {
                    Meddling::Cut => {
                        write_all(&far, &record[..100]).await.expect("writes");
                        far.shutdown_write();
                        return;
                    }
                    Meddling::Flip => *record.last_mut().expect("a byte") ^= 1,
                }
            }
            if write_all(&far, &record).await.is_err() {
                return;
            }
        }
    });
    let files = Files::new(&place.server);
    let ca = Authority::new("ca");
    let client = settings(&files, "client", &ca, named_b, &ca);
    let server = settings(&files, "server", &ca, named_a, &ca);
    let client = TlsContext::load(&place.server, &client).expect("settings");
    let server = TlsContext::load(&place.server, &server).expect("settings");
    let (dialled, accepted) = (Arc::new(dialled), Arc::new(accepted));
    let (rt, stream) = (place.server.clone(), accepted.clone());
    let mut task = place.server.spawn(async move {
        let result = stream.accept_tls(&rt, &server, &[], late(&rt)).await;
        assert!(result.is_ok(), "{result:?}");
    });
    dialled
        .connect_tls(
            &place.client,
            &client,
            "a.example.com",
            &[],
            late(&place.client),
        )
        .await
        .expect("a handshake");
    task.join().await;
    (dialled, accepted)
}

#[test]
fn a_connection_cut_within_a_record_ends_after_the_bytes_before_it() {
    in_both_worlds(async |place| {
        let (dialled, accepted) = meddled(&place, Meddling::Cut).await;
        let sent = pattern(10_000);
        write_all(&dialled, &sent[..5000]).await.expect("writes");
        write_all(&dialled, &sent[5000..]).await.expect("writes");
        assert!(read_to_end(&accepted).await.expect("reads") == sent[..5000]);
    });
}

#[test]
fn a_changed_byte_is_an_error_after_the_bytes_before_it() {
    in_both_worlds(async |place| {
        let (dialled, accepted) = meddled(&place, Meddling::Flip).await;
        let sent = pattern(10_000);
        write_all(&dialled, &sent[..5000]).await.expect("writes");
        write_all(&dialled, &sent[5000..]).await.expect("writes");
        assert!(read_n(&accepted, 5000).await.expect("reads") == sent[..5000]);
        for _ in 0..2 {
            let error = read(&accepted, &mut [0; 64])
                .await
                .expect_err("meddled with");
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        }
        let error = accepted.try_write(b"x").expect_err("broken");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn the_ecosystems_traits_work_over_an_encrypted_stream() {
    in_both_worlds(async |place| {
        let (dialled, accepted) = encrypted(&place).await;
        let unshared = |stream: Arc<Stream>| Arc::into_inner(stream).expect("nobody else has it");
        let (mut dialled, mut accepted) =
            (unshared(dialled).into_io(), unshared(accepted).into_io());
        let sent = pattern(100_000);
        let wanted = sent.clone();
        let writer = async move {
            dialled.write_all(&sent).await.expect("writes");
            dialled.shutdown().await.expect("ends");
        };
        let reader = async {
            let mut got = Vec::new();
            accepted.read_to_end(&mut got).await.expect("reads");
            assert!(got == wanted);
        };
        both(&place.client, writer, reader).await;
    });
}
