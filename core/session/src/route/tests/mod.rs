//! Conversations with a scripted peer: whole outputs, in order, compared with what `docs/routes.md` says
//! of Go servers 2.15.1.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use gannet_config::{Compression, LinkAuth, Secret, ServerUrl};
use gannet_units::Moment;
use gannet_wire::route::{Decoded, Limits, decode};
use gannet_wire::server_info::{GossipMode, ServerInfo};

use super::*;

mod handshake;
mod refusals;
mod registered;

const LIMITS: Limits = Limits {
    control_line: 65536,
    payload: 1024,
};
const S: Duration = Duration::from_secs(1);

/// What the other connections answer.
struct World {
    cluster: ClusterName,
    answer: Result<Admission, Refusal>,
    other_name: &'static str,
    claims: RefCell<Vec<String>>,
}

impl Neighbours for World {
    fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    fn admit(&self, claim: &Claim<'_>) -> Result<Admission, Refusal> {
        let Claim {
            server_id,
            is_dialled,
            account,
            pool_size,
            pool_index,
            is_gannet,
            ..
        } = claim;
        let claim = format!(
            "{server_id} dialled={is_dialled} account={account:?} size={pool_size} index={pool_index} ours={is_gannet}"
        );
        self.claims.borrow_mut().push(claim);
        self.answer.clone()
    }

    fn has_other_named(&self, name: &str, _: &str) -> bool {
        name == self.other_name
    }
}

/// A link of server `N1` (`s1`) in cluster `C`; its peer's bytes in and its outputs as lines out.
struct Script {
    link: Option<Link>,
    settings: Settings,
    world: World,
    now: Moment,
    out: Vec<Output>,
}

impl Script {
    fn new() -> Script {
        let info = ServerInfo {
            server_id: "N1".to_string(),
            server_name: "s1".to_string(),
            headers: true,
            lnoc: true,
            lnocu: true,
            ln: true,
            route_pool_size: 3,
            ..ServerInfo::default()
        };
        let settings = Settings {
            info,
            auth: LinkAuth::default(),
            compression: Compression::Off,
            pooling: true,
            has_gateways: true,
            ping_interval: S * 60,
            ping_max: 2,
        };
        let world = World {
            cluster: ClusterName {
                name: "C".to_string(),
                is_dynamic: false,
            },
            answer: Ok(Admission {
                place: Place::Pooled(0),
                replaces: None,
                is_followed: true,
            }),
            other_name: "-",
            claims: RefCell::default(),
        };
        Script {
            link: None,
            settings,
            world,
            now: Moment::START,
            out: Vec::new(),
        }
    }

    fn compressing(compression: Compression) -> Script {
        let mut script = Script::new();
        script.settings.compression = compression;
        script
    }

    fn with_password(password: &str) -> Script {
        let mut script = Script::new();
        script.settings.auth.user = Some("u".to_string());
        script.settings.auth.password = Secret::new(password.to_string());
        script
    }

    fn made_up(name: &str) -> Script {
        let mut script = Script::new();
        script.world.cluster = ClusterName {
            name: name.to_string(),
            is_dynamic: true,
        };
        script
    }

    fn at(&mut self, place: Place) {
        self.world.answer = Ok(Admission {
            place,
            replaces: None,
            is_followed: false,
        });
    }

    fn call(&mut self, f: impl FnOnce(&mut Option<Link>, &Context<'_>, &mut Vec<Output>)) {
        let cx = Context {
            now: self.now,
            settings: &self.settings,
            neighbours: &self.world,
            knows_account: &|name| name != "NOPE",
        };
        f(&mut self.link, &cx, &mut self.out);
    }

    fn accept(mut self) -> Script {
        let ip = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
        self.call(|link, cx, out| *link = Some(Link::accept(RouteId(7), ip, cx, 1, out)));
        self
    }

    fn dial(mut self, account: Option<&str>, gossip: GossipMode) -> Script {
        let errand = Errand {
            id: RouteId(7),
            url: ServerUrl {
                scheme: "nats".to_string(),
                user: Some("me".to_string()),
                password: Some(Secret::new("pw".to_string())),
                host: "h".to_string(),
                port: 6222,
            },
            account: account.map(ToString::to_string),
            gossip,
        };
        let ip = "fe80::2".parse().expect("an address");
        self.call(|link, cx, out| *link = Some(Link::dial(errand, ip, cx, 1, out)));
        self
    }

    fn dial_pool(self) -> Script {
        self.dial(None, GossipMode::Default)
    }

    fn link(&self) -> &Link {
        self.link.as_ref().expect("the link was begun")
    }

    /// The peer's bytes come in.
    fn hear(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let limits = self.link().limits(LIMITS);
            let (account, unsub_origin) = {
                let form = self.link().form();
                (form.account.map(<[u8]>::to_vec), form.unsub_origin)
            };
            let form = gannet_wire::route::Form {
                account: account.as_deref(),
                unsub_origin,
            };
            match decode(rest, &form, &limits) {
                Ok(Decoded::Op { op, used }) => {
                    rest = &rest[used..];
                    assert!(!self.link().accepts(&op), "{op:?} is traffic");
                    self.call(|link, cx, out| {
                        link.as_mut().expect("there is one").handle(&op, cx, out);
                    });
                }
                Ok(Decoded::Incomplete { .. }) => panic!("half a line"),
                Err(error) => {
                    self.call(|link, _, out| {
                        link.as_mut()
                            .expect("there is one")
                            .undecodable(&error, out);
                    });
                    return;
                }
            }
        }
    }

    fn tick_at(&mut self, secs: u32) {
        self.now = Moment::START + S * secs;
        self.call(|link, cx, out| link.as_mut().expect("there is one").tick(cx, out));
    }

    /// What has been put out since the last time, one line each, without lines for debugging.
    fn said(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for output in self.out.drain(..) {
            match output {
                Output::Send(bytes) => {
                    let text = String::from_utf8(bytes.to_vec()).expect("text");
                    lines.extend(text.split_terminator("\r\n").map(brief));
                }
                Output::Log(Log {
                    level: Level::Debug,
                    ..
                }) => {}
                Output::Log(log) => lines.push(format!("{:?} {}", log.level, log.text)),
                Output::Registered(remote) => lines.push(registered(&remote)),
                Output::CheckPassword { hash, password } => lines.push(format!(
                    "check {} against {}",
                    password.expose(),
                    hash.expose()
                )),
                Output::Close(reason) => {
                    lines.push(format!(
                        "close {reason}, {:?}",
                        self.link.as_ref().expect("one").ending()
                    ));
                }
                other => lines.push(format!("{other:?}")),
            }
        }
        lines
    }

    /// As [`Script::said`], without the lines that begin a connection.
    fn begin(mut self) -> Script {
        self.said();
        self
    }
}

/// A line with what matters of its JSON.
fn brief(line: &str) -> String {
    let Some(json) = line.strip_prefix("INFO ") else {
        return line.to_string();
    };
    let info = ServerInfo::parse(json.as_bytes()).expect("JSON");
    let blank = if json.ends_with(' ') {
        ""
    } else {
        " (no blank)"
    };
    let nonce = if info.nonce.is_empty() {
        " no nonce"
    } else {
        ""
    };
    let mut text = format!("INFO {}{blank}{nonce}", info.server_id);
    for (name, value) in [
        ("cluster", info.cluster),
        ("compression", info.compression),
        ("account", info.route_account),
    ] {
        if !value.is_empty() {
            text += &format!(" {name}={value}");
        }
    }
    if info.cluster_dynamic {
        text += " dynamic";
    }
    if info.route_pool_idx != 0 {
        text += &format!(" index={}", info.route_pool_idx);
    }
    if info.gossip_mode != 0 {
        text += &format!(" gossip={}", info.gossip_mode);
    }
    text
}

fn registered(remote: &RemoteServer) -> String {
    let RemoteServer {
        info,
        place,
        pool_size,
        headers,
        ..
    } = remote;
    let id = &info.server_id;
    assert!(info.nonce.is_empty());
    format!(
        "registered {id} {place:?} pool={pool_size:?} headers={headers} ip={} account={:?}",
        info.ip, info.route_account
    )
}

/// The INFO of server `N2` (`s2`), with `more` in it, perhaps in place of the usual.
fn info(more: &str) -> String {
    let mut fields = String::new();
    for (name, value) in [
        ("server_id", "\"N2\""),
        ("server_name", "\"s2\""),
        ("port", "6222"),
        ("headers", "true"),
        ("nonce", "\"x\""),
        ("cluster", "\"C\""),
        ("route_pool_size", "3"),
        ("lnocu", "true"),
    ] {
        if !more.contains(&format!("\"{name}\"")) {
            fields += &format!("\"{name}\":{value},");
        }
    }
    let fields = format!("{fields}{}", more.trim_start_matches(','));
    format!("INFO {{{}}} \r\n", fields.trim_end_matches(','))
}

const CONNECT: &str = "CONNECT {\"name\":\"N2\",\"cluster\":\"C\"}\r\n";

/// A link whose peer dialled and is registered.
fn inbound() -> Script {
    let mut script = Script::new().accept();
    script.hear(CONNECT);
    script.hear(&info(""));
    script.begin()
}

fn gossip_of(json: &str) -> Output {
    Output::News(News::Gossip(Box::new(
        ServerInfo::parse(json.as_bytes()).expect("JSON"),
    )))
}
