//! What happens on the network: delays, limits, partitions, resets, refusals, names.

mod common;

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use common::faults::*;
use common::*;
use gannet_rt::sim::{Dns, Link};

#[test]
fn each_direction_has_its_own_delay() {
    worlds(async |world| {
        world.link(&world.a, &world.b, 30 * MS, None);
        world.link(&world.b, &world.a, 5 * MS, None);
        let (took, (a, b)) = world.takes(world.pair()).await;
        assert_eq!(took, 35 * MS);
        a.try_write(b"x").expect("has room");
        assert_eq!(world.takes(read_n(&b, 1)).await.0, 30 * MS);
        b.try_write(b"y").expect("has room");
        assert_eq!(world.takes(read_n(&a, 1)).await.0, 5 * MS);
    });
}

#[test]
fn jitter_never_reorders_a_connection() {
    worlds(async |world| {
        let link = Link {
            latency: MS,
            jitter: 50 * MS,
            bandwidth: None,
        };
        world.net.set_link(&world.a, &world.b, link);
        let (a, b) = world.pair().await;
        let sent = pattern(20_000);
        for piece in sent.chunks(100) {
            write_all(&a, piece).await.expect("writes");
        }
        drop(a);
        assert!(read_to_end(&b).await.expect("reads") == sent);
    });
}

#[test]
fn bandwidth_is_shared_by_the_connections_of_a_direction() {
    worlds(async |world| {
        world.link(&world.a, &world.b, MS, Some(100_000));
        let listener = world.listen().await;
        let mut streams = Vec::new();
        for _ in 0..2 {
            let a = world.a.rt().connect(world.addr()).await.expect("connects");
            streams.push((a, listener.accept().await.expect("accepts").0));
        }
        let (took, ()) = world
            .takes(async {
                for (a, _) in &streams {
                    write_all(a, &[7; 10_000]).await.expect("writes");
                }
                for (_, b) in &streams {
                    read_n(b, 10_000).await.expect("reads");
                }
            })
            .await;
        // 20,000 bytes at 100,000 a second; a microsecond is lost to rounding per piece at most.
        assert!(took >= 200 * MS && took < 203 * MS, "{took:?}");
    });
}

#[test]
fn a_write_stops_at_the_window_until_the_peer_has_read() {
    worlds(async |world| {
        world.net.configure(|c| c.window = 1000);
        world.link(&world.b, &world.a, 40 * MS, None);
        let (a, b) = world.pair().await;
        write_all(&a, &[1; 1000]).await.expect("writes");
        assert_eq!(kind(a.try_write(&[2])), Some(ErrorKind::WouldBlock));
        world.a.rt().sleep(SECOND).await;
        assert_eq!(kind(a.try_write(&[2])), Some(ErrorKind::WouldBlock));
        read_n(&b, 1000).await.expect("reads");
        assert_eq!(kind(a.try_write(&[2])), Some(ErrorKind::WouldBlock));
        let (took, _) = world.takes(write_all(&a, &[2])).await;
        assert_eq!(took, 40 * MS);
    });
}

#[test]
fn a_partition_holds_bytes_and_gives_them_back() {
    worlds(async |world| {
        let (a, b) = world.pair().await;
        world.net.partition(&world.a, &world.b);
        write_all(&a, b"to b").await.expect("writes");
        write_all(&b, b"to a").await.expect("writes");
        assert_silent(&world.b.rt(), &b).await;
        assert_silent(&world.a.rt(), &a).await;
        world.net.heal(&world.a, &world.b);
        assert_eq!(read_n(&b, 4).await.expect("reads"), b"to b");
        assert_eq!(read_n(&a, 4).await.expect("reads"), b"to a");
    });
}

#[test]
fn a_one_way_partition_lets_the_other_way_through() {
    worlds(async |world| {
        let (a, b) = world.pair().await;
        world.net.partition_one_way(&world.a, &world.b);
        write_all(&a, b"to b").await.expect("writes");
        write_all(&b, b"to a").await.expect("writes");
        assert_eq!(read_n(&a, 4).await.expect("reads"), b"to a");
        assert_silent(&world.b.rt(), &b).await;
        world.net.heal_all();
        assert_eq!(read_n(&b, 4).await.expect("reads"), b"to b");
    });
}

#[test]
fn a_close_during_a_partition_is_heard_after_it() {
    worlds(async |world| {
        let (a, b) = world.pair().await;
        write_all(&a, b"last words").await.expect("writes");
        world.net.partition(&world.a, &world.b);
        drop(a);
        world.a.rt().sleep(10 * SECOND).await;
        world.net.heal(&world.a, &world.b);
        assert_eq!(read_to_end(&b).await.expect("reads"), b"last words");
        assert_eq!(world.a.usage().sockets, 0);
    });
}

#[test]
fn a_partition_that_outlasts_retransmission_breaks_the_writer() {
    worlds(async |world| {
        world.net.configure(|c| c.retransmit_timeout = 60 * SECOND);
        let (a, b) = world.pair().await;
        world.net.partition(&world.a, &world.b);
        write_all(&a, b"lost").await.expect("writes");
        let (took, failed) = world.takes(read(&a, &mut [0; 8])).await;
        assert_eq!(kind(failed), Some(ErrorKind::TimedOut));
        assert!(took >= 60 * SECOND && took < 61 * SECOND);
        assert_silent(&world.b.rt(), &b).await;
    });
}

#[test]
fn a_partition_may_end_with_resets() {
    worlds(async |world| {
        let (a, b) = world.pair().await;
        world.net.partition(&world.a, &world.b);
        write_all(&a, b"lost").await.expect("writes");
        world.net.heal_with_reset(&world.a, &world.b);
        for stream in [&a, &b] {
            let failed = read(stream, &mut [0; 8]).await;
            assert_eq!(kind(failed), Some(ErrorKind::ConnectionReset));
        }
        assert_eq!(world.net.connections(&world.a, &world.b), 0);
    });
}

#[test]
fn a_dial_into_a_partition_hangs_until_it_heals() {
    worlds(async |world| {
        let _listener = world.listen().await;
        for direction in 0..2 {
            let (from, to) = [(&world.a, &world.b), (&world.b, &world.a)][direction];
            world.net.partition_one_way(from, to);
            let rt = world.a.rt();
            let mut dial = Box::pin(rt.connect(world.addr()));
            assert!(rt.timeout(30 * SECOND, &mut dial).await.is_err());
            world.net.heal(&world.a, &world.b);
            rt.timeout(SECOND, dial)
                .await
                .expect("in time")
                .expect("connects");
        }
    });
}

#[test]
fn a_dial_without_an_answer_times_out_as_the_kernel_s_do() {
    worlds(async |world| {
        let listener = world.listen().await;
        world.net.black_hole(&world.b, true);
        let rt = world.a.rt();
        let nobody = SocketAddr::from(([10, 77, 0, 1], PORT));
        for addr in [world.addr(), nobody] {
            let (took, failed) = world.takes(rt.connect(addr)).await;
            assert_eq!(
                (took, kind(failed)),
                (127 * SECOND, Some(ErrorKind::TimedOut))
            );
        }
        world.net.black_hole(&world.b, false);
        rt.connect(world.addr()).await.expect("connects");
        listener.accept().await.expect("accepts");
        assert_eq!(world.a.usage().sockets, 0);
    });
}

#[test]
fn a_dial_given_up_leaves_nothing_behind() {
    worlds(async |world| {
        let listener = world.listen().await;
        world.link(&world.b, &world.a, 100 * MS, None);
        let rt = world.a.rt();
        assert!(rt.timeout(50 * MS, rt.connect(world.addr())).await.is_err());
        assert_eq!(world.a.usage().sockets, 0);
        let (stream, _) = listener.accept().await.expect("was accepted by the kernel");
        let failed = read(&stream, &mut [0; 8]).await;
        assert_eq!(kind(failed), Some(ErrorKind::ConnectionReset));
    });
}

#[test]
fn a_host_can_be_made_to_refuse() {
    worlds(async |world| {
        let _listener = world.listen().await;
        world.net.refuse_dials(&world.b, true);
        let (took, failed) = world.takes(world.a.rt().connect(world.addr())).await;
        assert_eq!(kind(failed), Some(ErrorKind::ConnectionRefused));
        assert!(
            took >= 400 * Duration::from_micros(1),
            "a refusal travels, too: {took:?}"
        );
        world.net.heal_all();
        world.a.rt().connect(world.addr()).await.expect("connects");
    });
}

#[test]
fn a_full_backlog_makes_the_dial_wait() {
    worlds(async |world| {
        world.net.configure(|c| c.backlog = 1);
        let listener = world.listen().await;
        let rt = world.a.rt();
        let _first = rt.connect(world.addr()).await.expect("connects");
        let mut dial = Box::pin(rt.connect(world.addr()));
        assert!(rt.timeout(10 * SECOND, &mut dial).await.is_err());
        listener.accept().await.expect("accepts");
        rt.timeout(2 * SECOND, dial)
            .await
            .expect("in time")
            .expect("connects");
    });
}

#[test]
fn connections_are_reset_on_demand() {
    worlds(async |world| {
        let listener = world.listen().await;
        let mut streams = Vec::new();
        for _ in 0..3 {
            let a = world.a.rt().connect(world.addr()).await.expect("connects");
            streams.push((a, listener.accept().await.expect("accepts").0));
        }
        assert_eq!(world.net.connections(&world.b, &world.a), 3);
        assert!(world.net.reset_one(&world.a, &world.b));
        assert_eq!(world.net.connections(&world.a, &world.b), 2);
        assert_eq!(world.net.reset_between(&world.a, &world.b), 2);
        assert!(!world.net.reset_one(&world.a, &world.b));
        for stream in streams.iter().flat_map(|(a, b)| [a, b]) {
            assert_eq!(
                kind(stream.try_write(b"x")),
                Some(ErrorKind::ConnectionReset)
            );
            assert_eq!(kind(stream.try_write(b"x")), Some(ErrorKind::BrokenPipe));
        }
    });
}

#[test]
fn bytes_sent_to_a_peer_that_closed_come_back_as_a_reset() {
    worlds(async |world| {
        let (a, b) = world.pair().await;
        drop(b);
        assert_eq!(read(&a, &mut [0; 8]).await.expect("reads"), 0);
        write_all(&a, b"too late").await.expect("writes");
        world.a.rt().sleep(10 * MS).await;
        assert_eq!(kind(a.try_write(b"x")), Some(ErrorKind::ConnectionReset));
    });
}

#[test]
fn closing_before_the_peer_has_stopped_talking_may_lose_the_last_words() {
    worlds(async |world| {
        world.link(&world.b, &world.a, MS, Some(10_000));
        let (a, b) = world.pair().await;
        write_all(&b, &[1; 5000]).await.expect("writes");
        drop(b);
        write_all(&a, b"unheard").await.expect("writes");
        let failed = read_n(&a, 5000).await;
        assert_eq!(kind(failed), Some(ErrorKind::ConnectionReset));
    });
}

#[test]
fn names_resolve_as_the_table_says_at_that_time() {
    worlds(async |world| {
        let rt = world.a.rt();
        let resolve = async |name: &str| rt.resolve(name, PORT).await;
        assert_eq!(resolve("B.").await.expect("resolves"), [world.addr()]);
        assert_eq!(kind(resolve("nobody").await), Some(ErrorKind::NotFound));
        let moved: IpAddr = "10.9.9.9".parse().expect("literal");
        world
            .net
            .set_dns("b", Dns::Addrs(vec![moved, world.a.ip()]));
        let want = [
            SocketAddr::new(moved, PORT),
            SocketAddr::new(world.a.ip(), PORT),
        ];
        assert_eq!(resolve("b").await.expect("resolves"), want);
        world.net.set_dns("b", Dns::Missing);
        assert_eq!(kind(resolve("b").await), Some(ErrorKind::NotFound));
        world.net.set_dns("b", Dns::Silent);
        assert!(rt.timeout(100 * SECOND, resolve("b")).await.is_err());
    });
}

#[test]
fn a_host_reaches_itself_by_loopback_and_by_its_address() {
    worlds(async |world| {
        let rt = world.b.rt();
        let anywhere = rt
            .listen(([0, 0, 0, 0], PORT).into())
            .await
            .expect("listens");
        let loopback = SocketAddr::from(([127, 0, 0, 1], PORT));
        for addr in [loopback, world.addr()] {
            let stream = rt.connect(addr).await.expect("connects");
            assert_eq!(stream.local_addr().expect("has one").ip(), addr.ip());
            anywhere.accept().await.expect("accepts");
        }
        let failed = world.a.rt().connect(loopback).await;
        assert_eq!(kind(failed), Some(ErrorKind::ConnectionRefused));
    });
}
