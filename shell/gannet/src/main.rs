//! The `gannet` binary.
use gannet_node::{Level, LogOptions, LogWriter, Logger, Server};

struct Stderr;
impl LogWriter for Stderr {
    fn write_line(&self, _level: Level, line: &str) {
        eprintln!("{line}");
    }
}

fn main() {
    let runtime = gannet_rt::Runtime::new(None).expect("runtime");
    let rt = runtime.rt();
    runtime.block_on(async {
        let mut options = gannet_config::Options::default();
        let mut args = std::env::args().skip(1);
        while let Some(a) = args.next() {
            match a.as_str() {
                "-p" => options.port = gannet_config::Port::At(args.next().expect("port").parse().expect("port")),
                "-a" => options.host = args.next().expect("host"),
                "-D" => options.logging.debug = true,
                _ => {}
            }
        }
        let log = Logger::new(&rt, LogOptions { debug: options.logging.debug, trace: false, time: true, utc: false }, Box::new(Stderr));
        let _server = Server::start(options, rt.clone(), log).await.expect("starts");
        std::future::pending::<()>().await;
    });
}
