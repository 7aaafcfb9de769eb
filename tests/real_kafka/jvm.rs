//! One child process, in practice a JVM: started, stopped, killed, and never left behind.
//! What the process is for and when it is ready is not known here.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant, SystemTime};
use std::{io, thread};

const PATIENCE: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(20);

/// A running Java process. Dropping the value kills it, so a panic does too.
pub(crate) struct Jvm {
    child: Child,
    started: SystemTime,
}

impl Jvm {
    /// Starts a command; what it prints is appended to the file `log`.
    pub(crate) fn start(mut java: Command, log: &Path) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.unwrap_or_else(|error| panic!("cannot open {}: {error}", log.display()));
        let both = file.try_clone().expect("a second handle of the log");
        java.stdout(file).stderr(both);
        let started = SystemTime::now();
        let child = launch(java).expect("java starts");
        Self { child, started }
    }

    pub(crate) fn started(&self) -> SystemTime {
        self.started
    }

    /// How the process ended, or nothing while it runs.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Asks the process to stop, without waiting for it.
    pub(crate) fn terminate(&self) {
        signal(&self.child, "TERM");
    }

    /// Holds the process, or lets it go on. Its sockets stay open meanwhile, and the kernel accepts for it.
    pub(crate) fn hold(&self, held: bool) {
        signal(&self.child, if held { "STOP" } else { "CONT" });
    }

    /// Stops the process and waits until it is gone; when patience ends, it is killed.
    pub(crate) fn stop(mut self) {
        self.terminate();
        self.end_within(PATIENCE);
    }

    /// Kills the process, without waiting for it.
    pub(crate) fn kill(&mut self) {
        // Fails only for a process that has ended already.
        let _ = self.child.kill();
    }

    /// Waits for a process that ends by itself and says so when it did not end well.
    pub(crate) fn finish(mut self, limit: Duration) -> Result<(), String> {
        match self.end_within(limit) {
            Some(exit) if exit.success() => Ok(()),
            Some(exit) => Err(exit.to_string()),
            None => Err(format!("it did not end within {limit:?}")),
        }
    }

    fn end_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            let exit = self.ended();
            if exit.is_some() || Instant::now() > deadline {
                return exit;
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Jvm {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that nobody has waited for yet, so that its id cannot belong to another one.
pub(crate) fn signal(process: &Child, name: &str) {
    // The standard library sends no signal but SIGKILL, while every shell has `kill` built in.
    Command::new("sh")
        .args(["-c", "kill -\"$2\" \"$1\"", "sh"])
        .arg(process.id().to_string())
        .arg(name)
        .output()
        .expect("sh starts");
}

/// The start of the command line of a small JVM that is up quickly.
pub(crate) fn java(heap_mib: u32) -> Command {
    let mut java = mortal("java");
    java.arg(format!("-Xmx{heap_mib}m")).args([
        "-Xms64m",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Xshare:auto",
        "-Djava.net.preferIPv4Stack=true",
        "-Djava.awt.headless=true",
    ]);
    java
}

/// A command, to be started with [`launch`], that dies with the test process, however that one ends.
///
/// `setpriv` asks the kernel to kill the process when its parent dies and then becomes the program, so the
/// process id stays the same. The process group of its own keeps a Ctrl-C in the terminal from reaching it
/// before the test process has had its say.
pub(crate) fn mortal(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]).stdin(Stdio::null()).process_group(0);
    command
}

/// Starts a command from a thread that lives as long as the test process.
///
/// To the kernel, the parent whose death kills the child is the *thread* that started it. The thread of a test
/// may end before what it started does, and a thread that only starts things is gone at once.
pub(crate) fn launch(command: Command) -> io::Result<Child> {
    type Order = (Command, Sender<io::Result<Child>>);
    static LAUNCHER: OnceLock<Sender<Order>> = OnceLock::new();
    let launcher = LAUNCHER.get_or_init(|| {
        let (launcher, orders) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        });
        launcher
    });
    let (answer, child) = mpsc::channel();
    launcher.send((command, answer)).expect("the launcher never ends");
    child.recv().expect("the launcher answers")
}
