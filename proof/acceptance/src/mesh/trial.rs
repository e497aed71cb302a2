//! One random super-cluster from its first process to its last: boot, messages, a server killed and restarted, messages.

use super::plan::Plan;
use super::running::Mesh;
use super::workload::{Carried, Workload};
use crate::dice::Dice;

/// What a trial was about.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The plan, in words.
    pub plan: String,
    /// Numbers of servers and clusters.
    pub servers: usize,
    /// Messages delivered and requests answered.
    pub carried: Carried,
}

/// Runs the trial of `seed`.
///
/// # Panics
/// When something does not hold.
pub fn trial(seed: u64) -> Summary {
    let mut dice = Dice::new(seed);
    let plan = Plan::draw(&mut dice);
    let (told, servers) = (plan.to_string(), plan.makes().count());
    println!("seed {seed}: {told}");
    let mut mesh = Mesh::start(plan);
    let mut workload = Workload::new(&mesh, &mut dice);
    let mut rounds = vec![workload.round(&mesh)];

    let victim = dice.below(servers);
    let gently = dice.below(2) == 0;
    println!(
        "seed {seed}: {} is {}",
        mesh.nodes()[victim].name,
        if gently { "asked to end" } else { "killed" }
    );
    if gently {
        mesh.terminate(victim);
    } else {
        mesh.kill(victim);
    }
    workload.leave(victim);
    mesh.await_links();
    workload.await_interest(&mesh);
    rounds.push(workload.round(&mesh));

    println!("seed {seed}: {} is back", mesh.nodes()[victim].name);
    mesh.launch(victim);
    mesh.await_links();
    workload.join(&mesh);
    rounds.push(workload.round(&mesh));
    workload.end(&mesh);
    Summary {
        plan: told,
        servers,
        carried: Carried {
            deliveries: rounds.iter().map(|round| round.deliveries).sum(),
            answers: rounds.iter().map(|round| round.answers).sum(),
        },
    }
}
