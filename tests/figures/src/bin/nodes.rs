//! `nodes BROKERS FILE PORTS`: a simulated cluster in which every broker runs KRaft and no controller has finalized. Writes a
//! config file with the address of every node, and a file of the brokers' ports, then says `ready`.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::time::Duration;

use kraft_check::rehearse::{Rehearsal, Version, phases};
use kraft_check_figures::end_with_standard_input;

const CONTROLLERS: u16 = 3;

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [brokers, file, ports] = words.as_slice() else { panic!("nodes BROKERS FILE PORTS") };
    let brokers: u16 = brokers.parse().expect("a number of brokers");
    end_with_standard_input();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut rehearsal = Rehearsal::start(Version::V3_9, brokers, CONTROLLERS, &[]).await?;
        // The one phase that is reached from anywhere, and by few steps however many brokers there are.
        let phase = phases(&[], &[]).into_iter().find(|phase| phase.id == "again-all-on-kraft").expect("the phase");
        rehearsal.act(|cluster| phase.enter(cluster)).await?;
        fs::write(file, config(&rehearsal, brokers))?;
        let listened: Vec<_> = rehearsal.brokers().iter().map(|(_, address)| address.port().to_string()).collect();
        fs::write(ports, listened.join("\n"))?;
        println!("ready");
        loop {
            // A cluster lives when it is asked, and would have to catch up with the pause in the first answer.
            rehearsal.with(|_| ());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    })
}

/// The settings for the program. Every broker is named, for it does not ask more than 5,000 that others list.
fn config(rehearsal: &Rehearsal, brokers: u16) -> String {
    let quoted = |places: Vec<String>| places.iter().map(|place| format!("\"{place}\"")).collect::<Vec<_>>().join(", ");
    let listed = rehearsal.brokers().iter().map(|(id, address)| format!("{id}@{address}")).collect();
    let controllers = rehearsal.controllers();
    let voters = controllers.iter().map(|(id, address, _)| format!("{id}@{address}")).collect();
    let pages = controllers.iter().map(|(id, _, page)| format!("{id}=http://{page}/metrics")).collect();
    let mut text = String::new();
    let _ = writeln!(text, "bootstrap-server = [{}]", quoted(listed));
    let _ = writeln!(text, "bootstrap-controller = [{}]", quoted(voters));
    let _ = writeln!(text, "metrics = [{}]", quoted(pages));
    let _ = writeln!(text, "expect-brokers = \"1-{brokers}\"");
    // Nothing here tests patience, and a program under valgrind needs some.
    let _ = writeln!(text, "timeout = \"30m\"\nrequest-timeout = \"5m\"\npage-timeout = \"5m\"");
    text
}
