//! Conversations with a scripted peer: whole outputs compared with what a Go server 2.15.1 did in the
//! same place.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::{GatewayUrl, LinkAuth, Secret};
use gannet_units::Moment;
use gannet_wire::gateway::{Decoded, GatewayOp, Limits, decode};

use crate::link_auth::Admission;

use super::{Context, Level, Link, Log, Neighbours, Output, Settings};

mod handshake;
mod registered;

const LIMITS: Limits = Limits {
    control_line: 4096,
    payload: 1024,
};

struct World {
    knows: &'static [&'static str],
    linked: bool,
}

impl Neighbours for World {
    fn knows(&self, gateway: &str) -> bool {
        self.knows.contains(&gateway)
    }
    fn has_outbound(&self, _: &str) -> bool {
        self.linked
    }
    fn has_server_named(&self, name: &str) -> bool {
        name == "Asrv"
    }
}

/// A link of server `Asrv` in cluster `A`, its peer's bytes in and its outputs as lines out.
struct Script {
    link: Link,
    settings: Settings,
    world: World,
    now: Moment,
    out: Vec<Output>,
}

impl Script {
    fn settings() -> Settings {
        Settings {
            gateway: "A".to_string(),
            server_id: "NA".to_string(),
            auth: LinkAuth {
                timeout: Duration::from_secs(2),
                ..LinkAuth::default()
            },
            tls: false,
            reject_unknown: false,
            headers: true,
            ping_interval: Duration::from_secs(120),
            ping_max: 2,
            info: b"INFO {\"gateway\":\"A\"}\r\n"[..].into(),
        }
    }

    fn dial(settings: Settings) -> Script {
        let url = url("nats", None);
        Script::dial_url(settings, &url)
    }

    fn dial_url(settings: Settings, url: &GatewayUrl) -> Script {
        let mut out = Vec::new();
        let link = Link::dial("B", url, false, Moment::START, &settings, 0, &mut out);
        Script {
            link,
            settings,
            world: World {
                knows: &["B"],
                linked: false,
            },
            now: Moment::START,
            out,
        }
    }

    fn accept(settings: Settings) -> Script {
        let mut out = Vec::new();
        let link = Link::accept(Moment::START, &settings, 0, &mut out);
        Script {
            link,
            settings,
            world: World {
                knows: &["B"],
                linked: false,
            },
            now: Moment::START,
            out,
        }
    }

    /// A link that is encrypted, dialled.
    fn dial_tls(settings: Settings) -> Script {
        let mut script = Script::dial(settings);
        script.out.clear();
        script.link = Link::dial(
            "B",
            &url("nats", None),
            true,
            Moment::START,
            &script.settings,
            0,
            &mut script.out,
        );
        script
    }

    fn is_secured(&mut self, admission: Admission) -> &mut Script {
        let cx = Context {
            now: self.now,
            settings: &self.settings,
            neighbours: &self.world,
        };
        self.link.secured(admission, &cx, &mut self.out);
        self
    }

    /// The peer says `bytes`: everything that is decoded, until the link waits or ends.
    fn hears(&mut self, bytes: &str) -> &mut Script {
        let mut rest = bytes.as_bytes();
        while !rest.is_empty() && !self.link.is_closed() && !self.link.is_waiting() {
            let cx = Context {
                now: self.now,
                settings: &self.settings,
                neighbours: &self.world,
            };
            match decode(rest, &self.link.limits(LIMITS)) {
                Ok(Decoded::Op { op, used }) => {
                    if self.link.accepts(&op) {
                        self.out.push(traffic(&op));
                    } else {
                        self.link.handle(&op, &cx, &mut self.out);
                    }
                    rest = &rest[used..];
                }
                Ok(Decoded::Incomplete { .. }) => break,
                Err(e) => self.link.undecodable(&e, &mut self.out),
            }
        }
        self
    }

    /// Time passes; everything due happens.
    fn waits(&mut self, time: Duration) -> &mut Script {
        let end = self.now + time;
        while self.link.next_deadline() <= end {
            self.now = self.link.next_deadline();
            let cx = Context {
                now: self.now,
                settings: &self.settings,
                neighbours: &self.world,
            };
            self.link.tick(&cx, &mut self.out);
        }
        self.now = end;
        self
    }

    fn password_is(&mut self, right: bool) -> &mut Script {
        let cx = Context {
            now: self.now,
            settings: &self.settings,
            neighbours: &self.world,
        };
        self.link.password_checked(right, &cx, &mut self.out);
        self
    }

    /// What the link did since the last call.
    fn did(&mut self) -> Vec<String> {
        self.out.drain(..).map(|output| show(&output)).collect()
    }
}

fn url(scheme: &str, user: Option<(&str, &str)>) -> GatewayUrl {
    GatewayUrl {
        scheme: scheme.to_string(),
        user: user.map(|(user, _)| user.to_string()),
        password: user.map(|(_, password)| Secret::new(password)),
        host: "b".to_string(),
        port: 7222,
    }
}

/// Traffic passes the link by; the script notes it as a line of the log.
fn traffic(op: &GatewayOp<'_>) -> Output {
    let text = format!(
        "traffic {}",
        format!("{op:?}").split('(').next().unwrap_or_default()
    );
    Output::Log(Log {
        level: Level::Debug,
        text,
    })
}

fn show(output: &Output) -> String {
    match output {
        Output::Send(bytes) => format!("send {}", String::from_utf8_lossy(bytes).escape_debug()),
        Output::Log(log) => format!("{:?} {}", log.level, log.text),
        Output::Registered(remote) => format!(
            "registered {:?} {} {} {} headers={} iom={} urls={:?}",
            remote.direction,
            remote.gateway,
            remote.server_id,
            remote.server_name,
            remote.headers,
            remote.interest_only,
            remote.urls
        ),
        Output::InterestBegins { account } => {
            format!("begins {}", String::from_utf8_lossy(account))
        }
        Output::InterestComplete { account } => {
            format!("complete {}", String::from_utf8_lossy(account))
        }
        Output::Close(reason) => format!("close {reason}"),
        other => format!("{other:?}"),
    }
}

const HELLO: &str = "INFO {\"server_id\":\"NB\",\"server_name\":\"Bsrv\",\"proto\":3,\"headers\":true,\"gateway\":\"B\",\"gateway_urls\":[\"b:7222\"],\"gateway_nrp\":true,\"gateway_iom\":true}\r\n";
const CONNECT: &str = "CONNECT {\"name\":\"NB\",\"gateway\":\"B\"}\r\n";

fn registered_outbound() -> Script {
    let mut script = Script::dial(Script::settings());
    script.hears(HELLO).did();
    script
}

fn registered_inbound() -> Script {
    let mut script = Script::accept(Script::settings());
    script.hears(CONNECT).hears(HELLO).did();
    script
}
