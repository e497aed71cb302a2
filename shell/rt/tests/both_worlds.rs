//! The same scenarios over loopback and in the simulator: what the door promises in both worlds.

mod common;

use std::future::pending;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::*;
use gannet_rt::future::{Either, race, yield_now};
use gannet_rt::io::{AsyncReadExt, AsyncWriteExt};
use gannet_rt::sync::{Notify, mpsc, oneshot};
use gannet_rt::{Elapsed, Joined, fs, process};
use gannet_units::Moment;

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn an_echo_server_answers_several_clients_at_once() {
    in_both_worlds(async |place| {
        let (listener, addr) = place.listen().await;
        let server = place
            .server
            .spawn(echo_server(place.server.clone(), listener));
        let mut clients = Vec::new();
        let (done, mut all_done) = mpsc::channel(8);
        for k in 1..=5 {
            let (rt, done) = (place.client.clone(), done.clone());
            clients.push(place.client.spawn(async move {
                let stream = rt.connect(addr).await.expect("connects");
                let sent = pattern(k * 3000);
                for piece in sent.chunks(700) {
                    write_all(&stream, piece).await.expect("writes");
                }
                let got = read_n(&stream, sent.len()).await.expect("reads");
                assert_eq!(got, sent);
                done.send(k).await.expect("somebody listens");
            }));
        }
        drop(done);
        let mut seen = Vec::new();
        while let Some(k) = all_done.recv().await {
            seen.push(k);
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3, 4, 5]);
        for mut client in clients {
            assert_eq!(client.join().await, Joined::Finished);
        }
        server.abort();
    });
}

#[test]
fn a_vectored_write_arrives_as_one_sequence() {
    in_both_worlds(async |place| {
        let (client, server) = place.pair().await;
        let big = pattern(30_000);
        write_all_vectored(&client, &[b"MSG a 1 2\r\n", b"", &big, b"\r\n"])
            .await
            .expect("writes");
        client.shutdown_write();
        let got = read_to_end(&server).await.expect("reads");
        let want: Vec<u8> = [b"MSG a 1 2\r\n".as_slice(), &big, b"\r\n"].concat();
        assert!(got == want);
    });
}

#[test]
fn a_half_closed_stream_still_answers() {
    in_both_worlds(async |place| {
        let (client, server) = place.pair().await;
        write_all(&client, b"question").await.expect("writes");
        client.shutdown_write();
        assert_eq!(read_to_end(&server).await.expect("reads"), b"question");
        write_all(&server, b"answer").await.expect("writes");
        drop(server);
        assert_eq!(read_to_end(&client).await.expect("reads"), b"answer");
        let error = client.try_write(b"more").expect_err("our side has ended");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_shutdown_by_another_task_ends_the_owner_s_wait() {
    in_both_worlds(async |place| {
        let (client, server) = place.pair().await;
        let server = Arc::new(server);
        let owner = server.clone();
        let mut reading = place
            .server
            .spawn(async move { assert_eq!(read(&owner, &mut [0; 8]).await.ok(), Some(0)) });
        place.server.sleep(SHORT).await;
        assert!(!reading.is_finished());
        server.shutdown();
        assert_eq!(reading.join().await, Joined::Finished);
        assert_eq!(read_to_end(&client).await.expect("reads"), b"");
        let error = server.try_write(b"x").expect_err("both sides have ended");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_full_socket_would_block_until_the_peer_reads() {
    in_both_worlds(async |place| {
        let (client, server) = place.pair().await;
        let chunk = pattern(64 << 10);
        let mut sent = Vec::new();
        loop {
            match client.try_write(&chunk) {
                Ok(n) => sent.extend_from_slice(&chunk[..n]),
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::WouldBlock);
                    // Over loopback what is there may still be moving on: full means full for a while.
                    let room = std::future::poll_fn(|cx| client.poll_write_ready(cx));
                    if place.client.timeout(SHORT, room).await.is_err() {
                        break;
                    }
                }
            }
        }
        let total = sent.len() + chunk.len();
        let reading = place.server.spawn({
            let want = [sent, chunk.clone()].concat();
            async move { assert!(read_to_end(&server).await.expect("reads") == want) }
        });
        write_all(&client, &chunk).await.expect("writes");
        drop(client);
        let mut reading = reading;
        assert_eq!(reading.join().await, Joined::Finished, "{total} bytes");
    });
}

#[test]
fn a_task_that_does_not_own_the_stream_may_write_to_it() {
    in_both_worlds(async |place| {
        let (client, server) = place.pair().await;
        let server = Arc::new(server);
        let owner = server.clone();
        let owning = place.server.spawn(async move {
            let _ = read(&owner, &mut [0; 8]).await;
        });
        let stranger = place.server.spawn({
            let server = server.clone();
            async move {
                for byte in b"hello" {
                    assert_eq!(server.try_write(&[*byte]).expect("has room"), 1);
                }
            }
        });
        assert_eq!(read_n(&client, 5).await.expect("reads"), b"hello");
        drop((stranger, owning));
    });
}

#[test]
fn both_ends_agree_on_their_addresses() {
    in_both_worlds(async |place| {
        let (client, server) = place.pair().await;
        assert_eq!(client.local_addr().ok(), server.peer_addr().ok());
        assert_eq!(server.local_addr().ok(), client.peer_addr().ok());
        assert_ne!(client.local_addr().ok(), server.local_addr().ok());
        assert_eq!(server.local_addr().map(|a| a.ip()).ok(), Some(place.ip));
        client.set_nodelay(false).expect("sets an option");
    });
}

#[test]
fn nobody_listening_refuses_the_dial() {
    in_both_worlds(async |place| {
        let (listener, addr) = place.listen().await;
        drop(listener);
        let error = place.client.connect(addr).await.expect_err("is refused");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_port_has_one_listener_at_a_time() {
    in_both_worlds(async |place| {
        let (listener, addr) = place.listen().await;
        let error = place.server.listen(addr).await.expect_err("is taken");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let anywhere = SocketAddr::from(([0, 0, 0, 0], addr.port()));
        let error = place.server.listen(anywhere).await.expect_err("is taken");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        drop(listener);
        place.server.listen(anywhere).await.expect("is free again");
    });
}

#[test]
fn an_address_of_another_machine_cannot_be_listened_on() {
    in_both_worlds(async |place| {
        let error = place
            .server
            .listen(([203, 0, 113, 7], 0).into())
            .await
            .expect_err("not ours");
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    });
}

#[test]
fn closing_with_unread_bytes_resets_the_peer() {
    in_both_worlds(async |place| {
        let (client, server) = place.pair().await;
        write_all(&client, b"never read").await.expect("writes");
        std::future::poll_fn(|cx| server.poll_read_ready(cx))
            .await
            .expect("arrives");
        while let Err(e) = server.try_read(&mut [0; 1]) {
            assert_eq!(e.kind(), ErrorKind::WouldBlock);
            std::future::poll_fn(|cx| server.poll_read_ready(cx))
                .await
                .expect("arrives");
        }
        drop(server);
        let error = read(&client, &mut [0; 8]).await.expect_err("is reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(client.try_read(&mut [0; 8]).ok(), Some(0));
        let error = client.try_write(b"x").expect_err("is reset");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn an_accept_that_is_dropped_loses_no_connection() {
    in_both_worlds(async |place| {
        let (listener, addr) = place.listen().await;
        assert!(
            place
                .server
                .timeout(SHORT, listener.accept())
                .await
                .is_err()
        );
        let client = place.client.connect(addr).await.expect("connects");
        let (_, peer) = listener.accept().await.expect("accepts");
        assert_eq!(Some(peer), client.local_addr().ok());
    });
}

#[test]
fn the_stream_behind_the_io_traits_reads_writes_and_ends() {
    in_both_worlds(async |place| {
        let (client, server) = place.pair().await;
        let (mut client, mut server) = (client.into_io(), server.into_io());
        let sent = pattern(5000);
        client.write_all(&sent).await.expect("writes");
        client.shutdown().await.expect("ends");
        let mut got = Vec::new();
        server.read_to_end(&mut got).await.expect("reads");
        assert!(got == sent);
        server.write_all(b"bye").await.expect("writes");
        let client = client.into_inner();
        assert_eq!(read_n(&client, 3).await.expect("reads"), b"bye");
        assert_eq!(server.get_ref().peer_addr().ok(), client.local_addr().ok());
    });
}

#[test]
fn a_timeout_drops_what_is_late_and_lets_through_what_is_ready() {
    in_both_worlds(async |place| {
        let rt = &place.client;
        assert_eq!(rt.timeout(SHORT, pending::<()>()).await, Err(Elapsed));
        assert_eq!(rt.timeout(LONG, async { 7 }).await, Ok(7));
        assert_eq!(rt.timeout(Duration::ZERO, async { 8 }).await, Ok(8));
    });
}

#[test]
fn a_timer_ends_at_its_deadline_and_not_before() {
    in_both_worlds(async |place| {
        let rt = &place.client;
        let deadline = rt.now() + SHORT;
        let mut sleep = rt.sleep_until(deadline);
        (&mut sleep).await;
        assert!(rt.now() >= deadline);
        let later = rt.now() + SHORT;
        sleep.reset(later);
        assert_eq!(sleep.deadline(), later);
        (&mut sleep).await;
        assert!(rt.now() >= later);
        rt.sleep_until(Moment::START).await;
    });
}

#[test]
fn a_timer_can_be_moved_back_and_forth_while_nobody_waits() {
    in_both_worlds(async |place| {
        let rt = &place.client;
        let mut sleep = rt.sleep_until(Moment::NEVER);
        assert_eq!(rt.timeout(SHORT, &mut sleep).await, Err(Elapsed));
        sleep.reset(rt.now() + SHORT);
        assert_eq!(rt.timeout(LONG, &mut sleep).await, Ok(()));
        sleep.reset(rt.now() + LONG);
        assert_eq!(rt.timeout(SHORT, &mut sleep).await, Err(Elapsed));
    });
}

#[test]
fn an_aborted_task_drops_what_it_holds() {
    in_both_worlds(async |place| {
        let (held, dropped) = oneshot::channel::<()>();
        let mut task = place.server.spawn(async move {
            let _held = held;
            pending::<()>().await;
        });
        yield_now().await;
        assert!(!task.is_finished());
        task.abort();
        assert!(dropped.await.is_err());
        assert_eq!(task.join().await, Joined::Aborted);
        assert_eq!(task.join().await, Joined::Aborted);
        assert!(task.is_finished());
    });
}

#[test]
fn a_task_whose_handle_is_dropped_runs_on() {
    in_both_worlds(async |place| {
        let (done, finished) = oneshot::channel();
        let rt = place.server.clone();
        drop(place.server.spawn(async move {
            rt.sleep(SHORT).await;
            let _ = done.send(3);
        }));
        assert_eq!(finished.await, Ok(3));
    });
}

#[test]
fn channels_and_notifications_pass_between_tasks() {
    in_both_worlds(async |place| {
        let (notify, count) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let (queue, mut items) = mpsc::channel(2);
        for producer in 0..4 {
            let queue = queue.clone();
            place.client.spawn(async move {
                for item in 0..25 {
                    queue
                        .send((producer, item))
                        .await
                        .expect("somebody receives");
                }
            });
        }
        drop(queue);
        let mut last = [None; 4];
        let (seen, all_seen) = (count.clone(), notify.clone());
        place.server.spawn(async move {
            while let Some((producer, item)) = items.recv().await {
                assert!(last[producer] < Some(item));
                last[producer] = Some(item);
                seen.fetch_add(1, Ordering::Relaxed);
            }
            all_seen.notify_one();
        });
        notify.notified().await;
        assert_eq!(count.load(Ordering::Relaxed), 100);
    });
}

#[test]
fn a_race_goes_to_the_first_and_a_tie_to_the_first_named() {
    in_both_worlds(async |place| {
        let rt = &place.client;
        assert_eq!(race(rt.sleep(LONG), async { 1 }).await, Either::Second(1));
        assert_eq!(race(async { 2 }, async { 3 }).await, Either::First(2));
    });
}

#[test]
fn blocking_work_answers_with_its_result() {
    in_both_worlds(async |place| {
        assert_eq!(place.server.run_blocking(|| 6 * 7).await, 42);
    });
}

#[test]
fn addresses_and_localhost_need_no_name_server() {
    in_both_worlds(async |place| {
        let rt = &place.client;
        let resolve = async |host: &str| rt.resolve(host, 4222).await.expect("resolves");
        assert_eq!(
            resolve("10.9.8.7").await,
            [SocketAddr::from(([10, 9, 8, 7], 4222))]
        );
        let v6: SocketAddr = "[::1]:4222".parse().expect("literal");
        assert_eq!(resolve("::1").await, [v6]);
        assert_eq!(resolve("[::1]").await, [v6]);
        assert!(
            resolve("localhost")
                .await
                .iter()
                .all(|a| a.ip().is_loopback())
        );
        let own = rt.local_ips().expect("lists");
        assert!(own.iter().any(|ip| ip.is_loopback()), "{own:?}");
    });
}

#[test]
fn random_numbers_do_not_repeat() {
    in_both_worlds(async |place| {
        let numbers: std::collections::BTreeSet<u64> =
            (0..1000).map(|_| place.server.random_u64()).collect();
        assert_eq!(numbers.len(), 1000);
        let mut keys = [[0; 32]; 2];
        keys.iter_mut()
            .for_each(|key| place.server.fill_random(key));
        assert_ne!(keys[0], keys[1]);
        assert_ne!(keys[0], [0; 32]);
    });
}

#[test]
fn files_are_written_appended_renamed_listed_and_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    in_both_worlds(async |place| {
        let rt = &place.server;
        let dir = dir.path().join("deep/er");
        fs::create_dir_all(rt, &dir).expect("makes folders");
        let (conf, log) = (dir.join("a.conf"), dir.join("b.log"));
        assert!(!fs::exists(rt, &conf));
        assert_eq!(
            fs::read(rt, &conf).expect_err("missing").kind(),
            ErrorKind::NotFound
        );
        fs::write(rt, &conf, "port: 4222").expect("writes");
        assert_eq!(fs::read_to_string(rt, &conf).expect("reads"), "port: 4222");
        for n in 1..=2 {
            let mut file = fs::AppendFile::open(rt, &log).expect("opens");
            assert_eq!(file.is_empty(), n == 1);
            file.append(b"line\n").expect("appends");
            assert_eq!(file.len(), 5 * n);
        }
        assert_eq!(
            fs::list_files(rt, &dir).expect("lists"),
            [conf.clone(), log.clone()]
        );
        fs::rename(rt, &log, &conf).expect("renames");
        assert_eq!(fs::read(rt, &conf).expect("reads"), b"line\nline\n");
        fs::write(rt, &log, [0xff]).expect("writes");
        let error = fs::read_to_string(rt, &log).expect_err("is not text");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        fs::remove_file(rt, &conf).expect("removes");
        fs::remove_file(rt, &log).expect("removes");
        assert!(fs::list_files(rt, &dir).expect("lists").is_empty());
    });
}

#[test]
fn a_process_has_figures() {
    in_both_worlds(async |place| {
        let rt = &place.server;
        assert!(process::rss_bytes(rt) > 100 << 10);
        assert!(process::pid(rt) > 0);
        assert!(process::cores(rt) > 0);
        assert!(process::cpu_time(rt) < LONG);
        // The calendar says some day between the years 2020 and 2100.
        let year = rt.wall().as_unix_nanos() / (365 * 24 * 3_600 * 1_000_000_000) + 1970;
        assert!((2020..2100).contains(&year), "{year}");
    });
}
