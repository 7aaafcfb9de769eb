//! What can be told without a Kafka: no Java is needed here. One file a question.

#![forbid(unsafe_code)]

/// Does each fault that no stage looks at show where it must?
mod afflicted;
/// Does each row of health tell, when it alone fails or is not seen?
mod ailing;
/// Are the arrows as drawn, the pure modules pure, the files small?
mod architecture;
/// What does each client property set, and what comes of those that set nothing?
mod client_properties;
/// What does each kind of bad input look like?
mod command_line;
/// Which of flag, environment, config file and default holds, and what does a broken file look like?
mod configuration;
/// When is a guard said, and when only suspected?
mod confirmation;
/// Which known defects are named where a migration stands still, and of which release is one warned?
mod defects;
/// Does the real network keep its seam, TLS included?
mod dial;
/// Is each hop on the way to a node told, and what grants what is missing?
mod doctor;
/// Are the README's commands and tables so?
mod documents;
/// What does the copy of the metadata wait for?
mod driver;
/// Is every id explained, and are the documents of stages, findings and exit codes what the tables say?
mod explained;
/// Does forgetting ever make a cluster healthy, or ill; and what does health say together with a stage?
mod forgotten;
/// Is it said whom nobody gave, and who told of them?
mod found;
/// Do recorded frames of real nodes pass, and go back to the same bytes?
mod frames;
/// Does every command line, however made, end in one document and a code of the table?
mod fuzz_argv;
/// Do real and made-up bytes pass the guard exactly when the codec reads them to the same end?
mod guard;
/// Is a boring cluster healthy, and does each fault show in the row that is for it?
mod healthy;
/// How much memory does the heaviest metadata log take?
mod heavy_logs;
/// Is any verdict wrong in a history that nobody thought of?
mod histories;
/// What are hooks told, and what comes of them?
mod hooks;
/// What is read over https, who is believed, and who gets our credentials?
mod https;
/// Whose answer is it?
mod identity;
/// What does Java read in a file of properties?
mod java_properties;
/// What is read from Jolokia and from Strimzi's agent, under whatever policy, and what is refused?
mod jolokia;
/// Looks in a row: who is dialled again, and is everybody asked everything again?
mod kept;
/// Which controllers are the brokers', and which is which?
mod kinship;
/// Is a simulated node like a recorded one?
mod likeness;
/// Is the metadata log read as it was written, and is what is broken refused?
mod log;
/// Is everything as it is without a login, and what becomes of one that fails?
mod login;
/// Who logs in by a file of properties, and who is turned away?
mod logins_set;
/// Do recorded logs decode to what Kafka's own decoder says?
mod logs;
/// What does every stage say of every recording?
mod matrix;
/// What does the line at the bottom of a terminal say, however little room there is?
mod moments;
/// What does a monitoring plugin's reader see, of small clusters and wide ones?
mod nagios;
/// What is said of one node alone, and where does the cluster stand?
mod nodes;
/// What leaves the process, in which form and where?
mod outputs;
/// What is read from a metrics page, and what is refused?
mod pages;
/// What do simulated nodes tell of topics?
mod partitions;
/// When does a wait go on, and when and why does it end?
mod pauses;
/// What does each kind of silence and lie look like, over real sockets?
mod peers;
/// What holds of every recording, whatever the tables say?
mod properties;
/// What is asked of whom, and what of nobody?
mod questions;
/// Who leads the quorum, and what is the state of the cluster?
mod quorum;
/// What does a record of the metadata log say, and what can none say?
mod records;
/// Can everything be tried without a cluster, and does every fault show?
mod rehearsed;
/// Is a recording whole, judged alike, and refused if it is none?
mod replay;
/// Does each row tell, when it alone fails?
mod rows;
/// Does SCRAM say what the RFCs say, and is every lying server refused?
mod scram;
/// What is left behind when a signal ends a look?
mod signals;
/// Does a look end in time, whoever stays silent?
mod silence;
/// What does a simulated controller give to whoever fetches its log?
mod simulated_log;
/// What is left of a wait that a signal ends?
mod stopped;
/// What is in a truststore or keystore, and what is said of one that cannot be opened?
mod stores;
/// What is said while a wait goes on, and where?
mod streams;
/// Are the tables well formed, and their ids those that scripts know?
mod tables;
/// What does a terminal show while a wait goes on, and what is left on it?
mod terminal;
/// What does each kind of failure of TLS look like?
mod tls;
/// Where do tokens come from, and what becomes of a login that has none?
mod tokens;
/// Is any cluster called healthy that is not, in a history that nobody thought of?
mod unhealthy;
/// What is said of versions that tell less?
mod versions;
/// What comes of waiting, whatever the cluster does?
mod waits;
/// What do the metadata log and the controllers' gauges say together, and what each alone?
mod witnesses;

/// What ails a simulated cluster, by its own state.
mod ailments;
/// Answers put together by hand, for rules about several of them.
mod answers;
/// Every API in every version that we speak, made and read.
mod apis;
/// Certificate authorities of a test's own, and listeners.
mod authority;
/// Our reading of a metadata log, held to Kafka's own decoder.
mod decoded;
/// The answers with the metadata log, made and read.
mod fetches;
/// A listener with SASL in front of simulated nodes.
mod guarded;
/// A host of a test's own: its folders, files and variables.
mod host;
/// Pages that are served over loopback, with TLS or without.
mod loopback;
/// An in-memory network whose nodes speak through the codec, for what needs a paused clock.
mod memory;
/// The recordings of real clusters.
mod recordings;
/// Text files that people review.
mod reviewed;
/// The JSON Schema, and what it refuses.
mod schema;
/// Does a secret ever leave the process?
mod secrets;
/// The simulated cluster as a network in memory.
mod simulated;
/// The built binary, run once.
mod tool;
/// What is so in a simulated cluster, by its own state.
mod truth;
/// How much memory do the heaviest answers take?
mod weight;
/// What is said beside the verdict?
mod wording;
