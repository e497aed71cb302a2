//! The Rust client behind the agent commands.

use async_nats::{Client, ConnectOptions, Event, HeaderMap, Message};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

type Outcome = Result<Value, Box<dyn std::error::Error + Send + Sync>>;

/// async-nats on a runtime of its own.
#[derive(Debug)]
pub(super) struct RustAgent {
    runtime: Runtime,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    client: Option<Client>,
    subscriptions: BTreeMap<String, Taker>,
    connections: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Taker {
    messages: mpsc::UnboundedReceiver<Message>,
    stop: Option<oneshot::Sender<()>>,
}

impl RustAgent {
    pub(super) fn new() -> RustAgent {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        RustAgent {
            runtime,
            state: State::default(),
        }
    }

    pub(super) fn call(&mut self, command: &Value) -> Value {
        let state = &mut self.state;
        match self.runtime.block_on(state.carry_out(command)) {
            Ok(mut answer) => {
                answer["ok"] = json!(true);
                answer
            }
            Err(error) => json!({"error": error.to_string()}),
        }
    }
}

impl State {
    async fn carry_out(&mut self, command: &Value) -> Outcome {
        let text = |key: &str| command[key].as_str().unwrap_or_default().to_owned();
        let limit = Duration::from_secs(command["seconds"].as_u64().unwrap_or(20));
        match text("op").as_str() {
            "connect" => self.connect(command).await,
            "sub" => {
                self.subscribe(&text("label"), text("subject"), text("queue"))
                    .await
            }
            "unsub" => self.unsubscribe(&text("label")).await,
            "answer" => {
                self.answer(text("subject"), text("queue"), text("prefix"))
                    .await
            }
            "pub" => self.publish(command).await,
            "take" => {
                self.take(
                    &text("label"),
                    command["count"].as_u64().unwrap_or(0),
                    limit,
                )
                .await
            }
            "waiting" => {
                self.client()?.flush().await?;
                let taker = self
                    .subscriptions
                    .get(&text("label"))
                    .ok_or("no such subscription")?;
                Ok(json!({"count": taker.messages.len()}))
            }
            "request" => {
                let client = self.client()?;
                match timeout(
                    limit,
                    client.request(text("subject"), text("payload").into()),
                )
                .await
                {
                    Err(_) => Err("timeout".into()),
                    Ok(Err(error))
                        if error.kind() == async_nats::RequestErrorKind::NoResponders =>
                    {
                        Err("no responders".into())
                    }
                    Ok(Err(error)) => Err(error.into()),
                    Ok(Ok(message)) => {
                        Ok(json!({"payload": String::from_utf8_lossy(&message.payload)}))
                    }
                }
            }
            "drain" => {
                self.client()?.drain().await?;
                Ok(json!({}))
            }
            "await_reconnects" => {
                self.await_reconnects(command["count"].as_u64().unwrap_or(0), limit)
                    .await
            }
            "server_name" => Ok(json!({"name": self.client()?.server_info().server_name})),
            other => Err(format!("unknown command {other}").into()),
        }
    }

    fn client(&self) -> Result<Client, &'static str> {
        self.client.clone().ok_or("not connected")
    }

    async fn connect(&mut self, command: &Value) -> Outcome {
        let counter = Arc::clone(&self.connections);
        let mut options = ConnectOptions::new()
            .name("rust-agent")
            .retain_servers_order()
            .request_timeout(None)
            .reconnect_delay_callback(|_| Duration::from_millis(50))
            .event_callback(move |event| {
                if matches!(event, Event::Connected) {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
                async {}
            });
        if let (Some(user), Some(pass)) = (command["user"].as_str(), command["pass"].as_str()) {
            options = options.user_and_password(user.to_owned(), pass.to_owned());
        }
        if let Some(token) = command["token"].as_str() {
            options = options.token(token.to_owned());
        }
        if let Some(tls) = command["tls"].as_object() {
            let file = |name: &str| tls.get(name).and_then(Value::as_str).map(PathBuf::from);
            if let Some(ca) = file("ca") {
                options = options.add_root_certificates(ca);
            }
            if let (Some(cert), Some(key)) = (file("cert"), file("key")) {
                options = options.add_client_certificate(cert, key);
            }
            if tls.get("first").is_some_and(|first| *first == true) {
                options = options.tls_first();
            }
        }
        if command["echo"] == false {
            options = options.no_echo();
        }
        let urls: Vec<&str> = command["urls"]
            .as_array()
            .ok_or("no urls")?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let client = options.connect(urls).await?;
        client.flush().await?;
        self.client = Some(client);
        Ok(json!({}))
    }

    async fn subscribe(&mut self, label: &str, subject: String, queue: String) -> Outcome {
        let client = self.client()?;
        let mut subscriber = if queue.is_empty() {
            client.subscribe(subject).await?
        } else {
            client.queue_subscribe(subject, queue).await?
        };
        round_trip(&client).await?;
        let (sender, messages) = mpsc::unbounded_channel();
        let (stop, mut stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let mut stopping = false;
            loop {
                tokio::select! {
                    biased;
                    message = subscriber.next() => {
                        let Some(message) = message else { return };
                        if sender.send(message).is_err() {
                            return;
                        }
                    }
                    _ = &mut stopped, if !stopping => {
                        stopping = true;
                        // Fails only when the connection is closed, and then there is nothing to end.
                        let _ = subscriber.unsubscribe().await;
                    }
                }
            }
        });
        self.subscriptions.insert(
            label.to_owned(),
            Taker {
                messages,
                stop: Some(stop),
            },
        );
        Ok(json!({}))
    }

    async fn unsubscribe(&mut self, label: &str) -> Outcome {
        let taker = self
            .subscriptions
            .get_mut(label)
            .ok_or("no such subscription")?;
        if let Some(stop) = taker.stop.take() {
            // The task is gone only if its subscription is.
            let _ = stop.send(());
        }
        while !taker.messages.is_closed() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        round_trip(&self.client()?).await?;
        Ok(json!({}))
    }

    async fn answer(&mut self, subject: String, queue: String, prefix: String) -> Outcome {
        let client = self.client()?;
        let mut requests = if queue.is_empty() {
            client.subscribe(subject).await?
        } else {
            client.queue_subscribe(subject, queue).await?
        };
        round_trip(&client).await?;
        tokio::spawn(async move {
            while let Some(request) = requests.next().await {
                if let Some(reply) = request.reply {
                    let payload = [prefix.as_bytes(), &request.payload].concat();
                    // Fails only when the connection is closed.
                    let _ = client.publish(reply, payload.into()).await;
                }
            }
        });
        Ok(json!({}))
    }

    async fn publish(&mut self, command: &Value) -> Outcome {
        let client = self.client()?;
        let subject = command["subject"].as_str().unwrap_or_default().to_owned();
        let mut headers = HeaderMap::new();
        for (name, values) in command["headers"].as_object().into_iter().flatten() {
            for value in values
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                headers.append(name.as_str(), value);
            }
        }
        for payload in command["payloads"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let payload = payload.to_owned().into();
            if headers.is_empty() {
                client.publish(subject.clone(), payload).await?;
            } else {
                client
                    .publish_with_headers(subject.clone(), headers.clone(), payload)
                    .await?;
            }
        }
        round_trip(&client).await?;
        Ok(json!({}))
    }

    async fn take(&mut self, label: &str, count: u64, limit: Duration) -> Outcome {
        let taker = self
            .subscriptions
            .get_mut(label)
            .ok_or("no such subscription")?;
        let mut taken = Vec::new();
        while (taken.len() as u64) < count {
            match timeout(limit, taker.messages.recv()).await {
                Ok(Some(message)) => taken.push(shown(&message)),
                _ => {
                    return Err(
                        format!("only {} of {count} messages: {taken:?}", taken.len()).into(),
                    );
                }
            }
        }
        Ok(json!({"messages": taken}))
    }

    async fn await_reconnects(&mut self, count: u64, limit: Duration) -> Outcome {
        let reached = async {
            while self.connections.load(Ordering::SeqCst) < count + 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(limit, reached).await.map_err(|_| "timeout")?;
        round_trip(&self.client()?).await?;
        Ok(json!({}))
    }
}

/// Waits until the server has processed everything sent: `flush` of this library only empties its buffer, so
/// a request to nobody does it.
async fn round_trip(client: &Client) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    client.flush().await?;
    let inbox = client.new_inbox();
    // Without echo the message would not come back, but a request that nobody answers gets its status anyway.
    match timeout(Duration::from_secs(20), client.request(inbox, "".into())).await? {
        Err(error) if error.kind() != async_nats::RequestErrorKind::NoResponders => {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

fn shown(message: &Message) -> Value {
    let mut value = json!({"subject": message.subject.as_str(), "payload": String::from_utf8_lossy(&message.payload)});
    if let Some(headers) = message
        .headers
        .as_ref()
        .filter(|headers| !headers.is_empty())
    {
        let map: BTreeMap<String, Vec<String>> = headers
            .iter()
            .map(|(name, values)| {
                (
                    name.to_string(),
                    values.iter().map(ToString::to_string).collect(),
                )
            })
            .collect();
        value["headers"] = json!(map);
    }
    value
}
