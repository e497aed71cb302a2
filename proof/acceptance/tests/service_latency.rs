//! What an exporter is told of how long its services take (rows ACC-22 to ACC-26), on one server; the way between servers
//! is in `accounts_mesh`.

use gannet_acceptance::{Kind, Server, Wire, hpub, later, login};
use serde_json::{Value, json};
use std::time::Duration;

/// An exporter of services that are measured, and the account that imports them, once with and once without telling who
/// it is.
fn start(kind: Kind) -> Server {
    Server::start(
        kind,
        r#"server_name: s
        accounts {
            E {
                users: [{user: e, password: p}]
                exports: [
                    {service: always, latency: lat}
                    {service: all, latency: {subject: lat, sampling: 100}}
                    {service: percent, latency: {subject: lat, sampling: "100%"}}
                    {service: asked, latency: {subject: lat, sampling: headers}}
                    {service: slow, threshold: "100ms", latency: lat}
                    {service: never}
                    {service: open, latency: lat}
                ]
            }
            I {
                users: [{user: i, password: p}]
                imports: [
                    {service: {account: E, subject: always}}
                    {service: {account: E, subject: all}}
                    {service: {account: E, subject: percent}}
                    {service: {account: E, subject: asked}}
                    {service: {account: E, subject: slow}}
                    {service: {account: E, subject: never}}
                    {service: {account: E, subject: open}, share: true}
                ]
            }
        }"#,
    )
}

/// The parties of a measured service.
struct Stage {
    server: Server,
    exporter: Wire,
    importer: Wire,
    meter: Wire,
}

impl Stage {
    fn new(kind: Kind) -> Stage {
        let server = start(kind);
        let [mut exporter, mut importer, mut meter] =
            ["e", "i", "e"].map(|user| Wire::client_with(&server, &login(user)));
        exporter.said("SUB always 1\r\nSUB all 2\r\nSUB percent 3\r\nSUB asked 4\r\nSUB slow 5\r\nSUB never 6\r\nSUB open 7\r\n");
        importer.said("SUB in 1\r\n");
        meter.said("SUB lat 1\r\n");
        Stage {
            server,
            exporter,
            importer,
            meter,
        }
    }

    /// A request and its answer.
    fn ask(&mut self, request: &str) {
        self.importer.send(request);
        let request = self.exporter.message();
        assert!(!request.reply.is_empty(), "{request:?}");
        self.exporter
            .send(&format!("PUB {} 2\r\nok\r\n", request.reply));
        let answer = self.importer.message();
        assert_eq!(
            (answer.subject.as_str(), answer.payload.as_str()),
            ("in", "ok")
        );
    }

    /// The next metric.
    fn metric(&mut self) -> Value {
        let message = self.meter.message();
        assert_eq!(message.subject, "lat");
        message.json()
    }

    /// No metric has come: they come one after the other, and the next one is that of this request.
    fn expect_no_metric(&mut self) {
        self.ask("PUB all in 1\r\nx\r\n");
        let metric = self.metric();
        let expected = json!({"acc": "I"});
        assert_eq!(
            (&metric["header"], &metric["requestor"]["acc"]),
            (&Value::Null, &expected["acc"]),
            "{metric}"
        );
        assert_eq!(self.meter.told_within(Duration::from_millis(1)), None);
    }
}

/// Takes what is another number each time out of a metric, and checks that it is there.
fn without_times(mut metric: Value, status: u16) -> Value {
    assert_eq!(
        metric["type"].take(),
        "io.nats.server.metric.v1.service_latency"
    );
    assert_eq!(metric["status"].take(), status, "{metric}");
    assert_eq!(metric["id"].take().as_str().map(str::len), Some(22));
    for time in ["timestamp", "start"] {
        let time = metric[time].take();
        let time = time.as_str().unwrap_or_default();
        assert!(
            time.len() > 20 && time.contains('T') && time.ends_with('Z'),
            "{time}"
        );
    }
    let numbers =
        ["service", "system", "total"].map(|name| metric[name].take().as_u64().expect("a number"));
    match status {
        200 => {
            let [service, system, total] = numbers;
            let asker = metric["requestor"]["rtt"].as_u64().expect("a number");
            let answerer = metric["responder"]["rtt"].as_u64().expect("a number");
            assert!(
                total > 0 && service + system + asker <= total + answerer,
                "{numbers:?} {asker} {answerer}"
            );
        }
        504 | 408 => assert!(numbers[2] > 0 || numbers == [0, 0, 0], "{numbers:?}"),
        _ => assert_eq!(numbers, [0, 0, 0]),
    }
    for party in ["requestor", "responder"] {
        if let Some(party) = metric.get_mut(party) {
            assert!(party["rtt"].take().as_u64() > Some(0), "{party}");
            if let Some(start) = party.get_mut("start") {
                assert!(start.take().is_string());
            }
            if let Some(id) = party.get_mut("id") {
                assert!(id.take().as_u64() > Some(0));
            }
        }
    }
    let fields = metric.as_object_mut().expect("an object");
    fields.retain(|_, value| !value.is_null());
    metric
}

/// The name of a header line as metrics have it: each word with a capital.
fn canonical(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + &rest.to_lowercase()
    });
    words.collect::<Vec<_>>().join("-")
}

later! {
    "service latency":
    /// ACC-22, ACC-24: every answer is measured: by whom, for whom, for how long.
    #[test]
    fn acc_24_a_metric_for_each_answer(kind: Kind) {
        let mut stage = Stage::new(kind);
        let responder = json!({
            "acc": "E", "client_type": "nats", "host": "127.0.0.1", "id": null, "kind": "Client", "rtt": null, "server": "s", "start": null, "user": "e",
        });
        let stranger = json!({"acc": "I", "rtt": null});
        for service in ["always", "all", "percent"] {
            stage.ask(&format!("PUB {service} in 1\r\nx\r\n"));
            let metric = without_times(stage.metric(), 200);
            assert_eq!(metric, json!({"requestor": stranger, "responder": responder}), "{service}");
        }
        stage.ask("PUB open in 1\r\nx\r\n");
        let mut requestor = responder.clone();
        (requestor["acc"], requestor["user"]) = ("I".into(), "i".into());
        assert_eq!(without_times(stage.metric(), 200), json!({"requestor": requestor, "responder": responder}));
        stage.ask("PUB never in 1\r\nx\r\n");
        stage.expect_no_metric();
    }

    "service latency":
    /// ACC-23: with sampling by headers, a request is measured that says so, in any of the ways that tracers have.
    #[test]
    fn acc_23_requests_that_ask_to_be_measured(kind: Kind) {
        let mut stage = Stage::new(kind);
        for (lines, sampled) in [
            (&["Other: x"][..], false),
            (&["Uber-Trace-Id: 479fefe9525eddb:5adb976bfc1f95c1:479fefe9525eddb:1"], true),
            (&["Uber-Trace-Id: 479fefe9525eddb:5adb976bfc1f95c1:479fefe9525eddb:0"], false),
            (&["Uber-Trace-Id: 0:0:0:3"], true),
            (&["X-B3-Sampled: 1"], true),
            (&["X-B3-Sampled: 0"], false),
            (&["X-B3-TraceId: 80f198ee56343ba864fe8b2a57d3eff7"], true),
            (&["X-B3-TraceId: 80f198ee56343ba864fe8b2a57d3eff7", "X-B3-Sampled: 0"], false),
            (&["X-B3-TraceId: 80f198ee56343ba864fe8b2a57d3eff7", "X-B3-ParentSpanId: 05e3ac9a4f6e3b90", "X-B3-SpanId: e457b5a2e4d86bd1", "X-B3-Sampled: 1"], true),
            (&["B3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90"], true),
            (&["B3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0-05e3ac9a4f6e3b90"], false),
            (&["B3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d"], true),
            (&["B3: 0"], false),
            (&["B3: 1"], true),
            (&["Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"], true),
            (&["Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"], false),
            (&["traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", "tracestate: a=b"], true),
            (&["Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"], false),
        ] {
            stage.ask(&hpub("asked", "in ", lines, "x"));
            if sampled {
                let header = lines.iter().map(|line| {
                    let (name, value) = line.split_once(": ").expect("a header line");
                    (canonical(name), json!([value]))
                });
                let header: serde_json::Map<String, Value> = header.collect();
                let metric = without_times(stage.metric(), 200);
                assert_eq!(metric["header"], Value::Object(header), "{lines:?}");
            } else {
                stage.expect_no_metric();
            }
        }
        stage.ask("PUB asked in 1\r\nx\r\n");
        stage.expect_no_metric();
    }

    "service latency":
    /// ACC-25: what was no request, and what nobody answered.
    #[test]
    fn acc_25_what_went_wrong(kind: Kind) {
        let mut stage = Stage::new(kind);
        let stranger = json!({"acc": "I", "rtt": null});
        stage.importer.said("PUB always 1\r\nx\r\n");
        assert_eq!(without_times(stage.metric(), 400), json!({"description": "Bad Request", "requestor": stranger}));
        stage.exporter.message();
        stage.importer.send("PUB slow in 1\r\nx\r\n");
        let late = stage.exporter.message();
        assert_eq!(without_times(stage.metric(), 504), json!({"description": "Service Timeout", "requestor": stranger}));
        stage.exporter.said(&format!("PUB {} 2\r\nok\r\n", late.reply));
        stage.importer.fence();
        // Nobody waits for the answer any more.
        stage.importer.send("PUB always in 1\r\nx\r\n");
        let late = stage.exporter.message();
        stage.importer.said("UNSUB 1\r\n");
        stage.exporter.said(&format!("PUB {} 2\r\nok\r\n", late.reply));
        assert_eq!(without_times(stage.metric(), 408), json!({"description": "Request Timeout", "requestor": stranger}));
        stage.importer.said("SUB in 1\r\n");
        stage.expect_no_metric();
        let Stage { server, importer, mut meter, exporter } = stage;
        drop(exporter);
        gannet_acceptance::eventually("the exporter to leave", || {
            let page = server.try_monitor("/varz")?;
            if page["connections"] == 2 { Ok(()) } else { Err(page["connections"].to_string()) }
        });
        let mut importer = importer;
        importer.send("PUB always in 1\r\nx\r\n");
        importer.expect("HMSG in 1 38 38\r\nNATS/1.0 503\r\nNats-Subject: always\r\n\r\n");
        let metric = meter.message().json();
        assert_eq!(without_times(metric, 503), json!({"description": "Service Unavailable", "requestor": stranger}));
        assert_eq!(meter.told_within(Duration::from_millis(1)), None);
    }
}
