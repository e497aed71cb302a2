//! How a server looks for the others of its cluster: which address, when, how often (rows CLU-16, CLU-17, CLU-20,
//! CLU-21), against nobody, scripted servers and real ones.

use gannet_acceptance::apart::dials_both;
use gannet_acceptance::ports::Port;
use gannet_acceptance::route_peer::server_of_c;
use gannet_acceptance::{Kind, Server, Unanswering, both, eventually, pairs};

/// The time of day of a log line in seconds.
fn seconds(line: &str) -> f64 {
    let clock = line.split(' ').nth(2).unwrap_or_default();
    clock.split(':').fold(0.0, |sum, part| {
        sum * 60.0 + part.parse::<f64>().expect("a time")
    })
}

fn is_configured(server: &Server) -> Result<Vec<bool>, String> {
    let page = server.try_monitor("/routez")?;
    let routes = page["routes"].as_array().into_iter().flatten();
    Ok(routes.map(|route| route["is_configured"] == true).collect())
}

both! {
    /// CLU-17: a configured address is tried for ever, about a second apart.
    #[test]
    fn attempts_come_a_second_apart(kind: Kind) {
        let nobody = Port::reserve();
        let address = nobody.address();
        let server = server_of_c(kind, &format!("routes: [\"nats://{address}\"]"), "");
        // Gannet's first pauses are shorter: servers that are started together find each other at once.
        let first = match kind {
            Kind::Gannet => 6,
            Kind::Go => 1,
        };
        let times: Vec<f64> = (first..first + 4)
            .map(|attempt| seconds(&server.expect_log(&format!("Error trying to connect to route (attempt {attempt}): dial tcp {address}: connect: connection refused"))))
            .collect();
        for pair in times.windows(2) {
            // Times of day start again at midnight.
            let pause = (pair[1] - pair[0]).rem_euclid(86_400.0);
            assert!(pause >= 0.99, "{times:?}");
        }
    }

    /// CLU-17: an address that does not answer is given up after a second.
    #[test]
    fn an_attempt_takes_a_second_at_most(kind: Kind) {
        let silent = Unanswering::new();
        let address = silent.address();
        let server = server_of_c(kind, &format!("routes: [\"nats://{address}\"]"), "");
        let begun = seconds(&server.expect_log(&format!("Trying to connect to route on {address}")));
        let ended = seconds(&server.expect_log(&format!("Error trying to connect to route (attempt 1): dial tcp {address}: i/o timeout")));
        assert!((ended - begun).rem_euclid(86_400.0) >= 0.99);
    }

    /// CLU-21: of the addresses of a name any may be tried, but none of the server's own.
    #[test]
    fn a_name_stands_for_several_servers(kind: Kind) {
        let own = Port::reserve();
        let port = own.number();
        let mut server = Server::prepare(
            kind,
            &format!(
                "server_name: s\ndebug: true\ncluster {{ name: c, listen: \"127.0.0.1:{port}\", routes: [\"nats://mates.example:{port}\"] }}"
            ),
            &[],
        );
        let hosts = "127.0.0.1 localhost mates.example\n127.0.0.2 mates.example\n127.0.0.3 mates.example\n";
        if !dials_both(&mut server, hosts, port) {
            return;
        }
        let own_dials = server.log().lines().filter(|line| line.contains(&format!("Trying to connect to route on mates.example:{port} (127.0.0.1:{port})"))).count();
        // The reference server learns its own addresses by dialling one.
        assert!(own_dials <= usize::from(kind == Kind::Go), "{}", server.log());
    }
}

pairs! {
    /// CLU-20: where two servers are in each other's configuration, the route is a configured one for both, whoever
    /// dialled; so it is dialled again even if the other side no longer does.
    #[test]
    fn a_configured_route_stays_one(one: Kind, other: Kind) {
        let mut servers = [Server::prepare(one, "", &[]), Server::prepare(other, "", &[])];
        let config = |name: &str, to: Option<&Server>| {
            let routes = to.map_or(String::new(), |to| format!("\"nats://{}\"", to.route_address()));
            format!("server_name: {name}\ncluster {{ name: c, listen: \"{{cluster}}\", routes: [{routes}] }}")
        };
        servers[0].write_config(&config("s0", Some(&servers[1])));
        servers[1].write_config(&config("s1", Some(&servers[0])));
        for server in &mut servers {
            server.launch().unwrap_or_else(|problem| panic!("{problem}"));
        }
        let whole = |server: &Server| {
            let found = is_configured(server)?;
            if found.len() == 4 && found.contains(&true) { Ok(()) } else { Err(format!("{found:?}")) }
        };
        for server in &servers {
            eventually("four connections, configured", || whole(server));
        }
        servers[1].kill();
        servers[1].write_config(&config("s1", None));
        servers[1].launch().unwrap_or_else(|problem| panic!("{problem}"));
        eventually("the route to be back", || whole(&servers[0]));
        eventually("nobody to have configured it there", || {
            let found = is_configured(&servers[1])?;
            if found == [false; 4] { Ok(()) } else { Err(format!("{found:?}")) }
        });
    }
}
