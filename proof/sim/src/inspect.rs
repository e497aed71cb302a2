//! Reading what servers say about themselves, over the simulated network as an operator would: `/routez`,
//! `/gatewayz` and `/subsz` of their monitoring ports.
//!
//! Not here: what they should say (`check::interest`).

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gannet_rt::Rt;
use parking_lot::Mutex;
use serde_json::Value;

use crate::topology::MONITOR_PORT;
use crate::world::World;

/// How long one page may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The account of all clients.
const ACCOUNT: &str = "$G";
/// Bytes read at a time.
const READ: usize = 16 << 10;

/// Interest by subject and queue group (empty for none), each with how often it is there.
pub(crate) type Interest = BTreeMap<(String, String), usize>;

/// What one server knows of the interest of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// By the name of the other server of its cluster.
    pub(crate) of_servers: BTreeMap<String, Interest>,
    /// By the name of the other cluster.
    pub(crate) of_clusters: BTreeMap<String, Interest>,
    /// How many subscriptions of its cluster it holds: its own clients' and what the other servers have told.
    pub(crate) held: u64,
}

/// What a server has answered, or why nothing can be made of it.
pub(crate) type Answer = Result<View, String>;

/// The answers as they come in, by the server's number.
pub(crate) type Answers = Arc<Mutex<BTreeMap<usize, Answer>>>;

impl World {
    /// Asks all servers that have not left for ever what they know of others' interest.
    pub(crate) fn inspect(&self) -> Answers {
        let answers = Answers::default();
        for server in self.living() {
            let addr = (self.nodes[server].host.ip(), MONITOR_PORT).into();
            let (rt, answers) = (self.inspector.rt(), answers.clone());
            self.inspector.rt().spawn(async move {
                let answer = view(&rt, addr).await;
                answers.lock().insert(server, answer);
            });
        }
        answers
    }
}

async fn view(rt: &Rt, addr: SocketAddr) -> Answer {
    let ask = async |path: &str| match rt.timeout(PATIENCE, page(rt, addr, path)).await {
        Ok(result) => result.map_err(|e| format!("{path}: {e}")),
        Err(_) => Err(format!("{path} is not answered")),
    };
    let routes = ask("/routez?subs=detail").await?;
    let gateways = ask("/gatewayz?accs=1&subs=detail").await?;
    let held = ask("/subsz").await?;
    Ok(View {
        of_servers: of_servers(&routes),
        of_clusters: of_clusters(&gateways),
        held: held["num_subscriptions"].as_u64().unwrap_or_default(),
    })
}

/// One page, as the server's HTTP has it.
async fn page(rt: &Rt, addr: SocketAddr, path: &str) -> std::io::Result<Value> {
    let stream = rt.connect(addr).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: simulated\r\n\r\n");
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        poll_fn(|cx| stream.poll_write_ready(cx)).await?;
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    let mut answer = Vec::new();
    let mut buf = [0; READ];
    loop {
        poll_fn(|cx| stream.poll_read_ready(cx)).await?;
        match stream.try_read(&mut buf) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&buf[..read]),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n");
    let body = &answer[body.map_or(answer.len(), |at| at + 4)..];
    serde_json::from_slice(body).map_err(std::io::Error::other)
}

fn of_servers(page: &Value) -> BTreeMap<String, Interest> {
    let mut found: BTreeMap<String, Interest> = BTreeMap::new();
    for route in list(&page["routes"]) {
        let interest = found.entry(text(&route["remote_name"])).or_default();
        add(interest, route);
    }
    found
}

fn of_clusters(page: &Value) -> BTreeMap<String, Interest> {
    let mut found: BTreeMap<String, Interest> = BTreeMap::new();
    for (name, link) in page["outbound_gateways"].as_object().into_iter().flatten() {
        let interest = found.entry(name.clone()).or_default();
        for account in list(&link["accounts"]).filter(|account| account["name"] == ACCOUNT) {
            add(interest, account);
        }
    }
    found
}

fn add(interest: &mut Interest, holder: &Value) {
    for sub in list(&holder["subscriptions_list_detail"]) {
        let key = (text(&sub["subject"]), text(&sub["qgroup"]));
        *interest.entry(key).or_default() += 1;
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once(subject: &str, queue: &str) -> ((String, String), usize) {
        ((subject.into(), queue.into()), 1)
    }

    #[test]
    fn what_pages_list_is_found_by_its_holder() {
        let routes = serde_json::json!({"routes": [
            {"remote_name": "s1", "subscriptions_list_detail": [{"subject": "a", "qgroup": "q"}]},
            {"remote_name": "s1", "subscriptions_list_detail": [{"subject": "b"}]},
            {"remote_name": "s2"},
        ]});
        let expected = BTreeMap::from([
            (
                "s1".to_owned(),
                Interest::from([once("a", "q"), once("b", "")]),
            ),
            ("s2".to_owned(), Interest::new()),
        ]);
        assert_eq!(of_servers(&routes), expected);
        let gateways = serde_json::json!({"outbound_gateways": {"C1": {"accounts": [
            {"name": "$SYS", "subscriptions_list_detail": [{"subject": "other"}]},
            {"name": "$G", "subscriptions_list_detail": [{"subject": "a"}]},
        ]}}});
        let expected = BTreeMap::from([("C1".to_owned(), Interest::from([once("a", "")]))]);
        assert_eq!(of_clusters(&gateways), expected);
    }
}
