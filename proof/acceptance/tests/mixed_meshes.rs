//! Random super-clusters of Gannet, the reference server and an old release of it: a few fixed seeds. Many more are run
//! by the command `gannet-meshes`.

use gannet_acceptance::dice::Dice;
use gannet_acceptance::mesh::{Mesh, Plan, Workload, trial};

/// The same workload and the same judgement with the reference server alone: what is demanded is what it does.
#[test]
fn the_reference_server_passes_the_trial() {
    let mut mesh = Mesh::start(Plan::of("XO XX X"));
    let mut dice = Dice::new(1);
    let mut workload = Workload::new(&mesh, &mut dice);
    workload.round(&mesh);
    mesh.kill(1);
    workload.leave(1);
    mesh.await_links();
    workload.await_interest(&mesh);
    workload.round(&mesh);
    mesh.launch(1);
    mesh.await_links();
    workload.join(&mesh);
    workload.round(&mesh);
    workload.end(&mesh);
}

/// Mixed meshes carry everything exactly once, before, while and after a server is gone.
mod mixed_meshes {
    use super::*;

    #[test]
    fn seed_1() {
        trial(1);
    }

    #[test]
    fn seed_2() {
        trial(2);
    }

    #[test]
    fn seed_3() {
        trial(3);
    }
}
