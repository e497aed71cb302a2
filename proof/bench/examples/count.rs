//! Performs one workload so many times, for a program that counts instructions; without arguments,
//! lists the workloads and the number of operations of the shorter run. Not here: the counting.

use std::process::ExitCode;

use gannet_proof_bench::WORKLOADS;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.as_slice() {
        [] => {
            for workload in WORKLOADS {
                println!("{} {}", workload.name, workload.operations);
            }
            Ok(())
        }
        [name, operations] => perform(name, operations),
        _ => Err("usage: count [workload operations]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("count: {error}");
            ExitCode::FAILURE
        }
    }
}

fn perform(name: &str, operations: &str) -> Result<(), String> {
    let workload = WORKLOADS
        .iter()
        .find(|workload| workload.name == name)
        .ok_or_else(|| format!("no workload is called {name:?}"))?;
    let operations = operations
        .parse()
        .map_err(|_| format!("{operations:?} is no number of operations"))?;
    workload.perform(operations)
}
