//! The load tool on its own, for trying it on any server binary: `cargo run --release --example bench -- --server PATH`.

fn main() {
    std::process::exit(gannet_load::main(std::env::args_os()));
}
