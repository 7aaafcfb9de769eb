//! What errors and warnings mean: they have no table, so their words are here.
//!
//! Not here: when they are said (`evaluate`).

use super::{Kind, Topic, bare, refusals};
use crate::report::Oddity;
use crate::snapshot::Why;
use crate::stages::Look;
use crate::stages::looks::{BROKERS, CLUSTER_ID_ON_DISK, KAFKA_VERSION, STATE, STATUS};

const PAGE: &Look = &Look {
    run: "curl -si $PAGE | head",
    tells: "what the exporter answers: 200, and lines of NAME{LABELS} VALUE; agents answer in JSON",
};
const SETTINGS: &Look = &Look {
    run: "kafka-configs.sh --bootstrap-server $BROKER --describe --all \\\n  --entity-type brokers --entity-name $ID \
          \\\n  | grep -e listeners= -e process.roles",
    tells: "under which addresses the broker is listed, and which roles the process has",
};

/// Why something was not seen.
pub(super) fn of_why(why: Why) -> Topic {
    match refusals::words(why) {
        Some((brief, look, fix)) => note(why.id(), Kind::Error, brief, look, fix),
        None => note(why.id(), Kind::Error, why_in_words(why), look_for(why), cure(why)),
    }
}

/// What to do about it, by itself.
pub(super) fn fix(why: Why) -> &'static str {
    refusals::words(why).map_or_else(|| cure(why), |(.., fix)| fix)
}

fn why_in_words(why: Why) -> &'static str {
    match why {
        Why::NoAddress => "where the node is was not told: nobody lists it, and its address was not given",
        Why::NotAsked => "it was not asked, because what was seen or missed before made the question pointless",
        Why::NotListed => "the node does not list the API that tells it: its release is older, or its role another",
        Why::Refused => {
            "nothing listens there: the process is down or starting, or the port is wrong; a KRaft broker that was \
             started before the copy never opens its listener"
        }
        Why::Unreachable => "no connection could be made: there is no route, or something in between forbids it",
        Why::TimedOut => "no answer in time: the node is paused or overloaded",
        Why::Closed => "the connection was closed before the answer was complete, as when the node stops",
        Why::WrongTarget => {
            "the peer speaks another protocol or plays another role: a metrics port, a broker's address under -C"
        }
        Why::Malformed => "the answer is no message of the kind and version that was asked for",
        Why::TooLarge => "the answer is larger than what is read",
        Why::ErrorCode => "the node answered with an error of Kafka's, which the message names",
        Why::NotAPage => {
            "the page was answered, but not with 200 and metrics alone, from the first line to the last, nor as Jolokia or \
             Strimzi's agent do"
        }
        Why::WithoutMetric => {
            "the page has no such metric: the exporter has just started, its rules drop or rename it, or the node is \
             no controller of 3.5 to 3.9"
        }
        Why::NotLoaded => {
            "it is there and says nothing yet: a gauge of -1, of a controller that has not read the metadata log, as without \
             a leader; a log that is only begun"
        }
        Why::NotShown => {
            "the node answered and left something out: it shows only what the user has a right to see, and a node that \
             has just started shows little"
        }
        Why::Ambiguous => "there are several values, and nothing tells which one is meant",
        Why::NoExpectation => "it was not said whom to expect, and nobody told",
        Why::NotConfirmed => {
            "it was seen once, and not again: of a guard the other look did not show it or was never taken; of a log \
             another leader led when it was read"
        }
        // Internal, and nothing else: the others are refusals.
        _ => "a defect of kraft-check, confined to this answer",
    }
}

fn look_for(why: Why) -> &'static [&'static Look] {
    match why {
        Why::NoAddress
        | Why::NotListed
        | Why::Refused
        | Why::Unreachable
        | Why::TimedOut
        | Why::Closed
        | Why::WrongTarget
        | Why::Malformed
        | Why::ErrorCode
        | Why::NotShown
        | Why::NoExpectation => &[BROKERS, STATUS],
        Why::TooLarge | Why::NotAPage => &[PAGE],
        Why::WithoutMetric | Why::Ambiguous => &[STATE],
        Why::NotLoaded => &[STATE, STATUS],
        _ => &[],
    }
}

/// What to do about it.
fn cure(why: Why) -> &'static str {
    match why {
        Why::NoAddress => "give its address as ID@HOST:PORT, a broker's with -b, a controller's with -C",
        Why::NotAsked => "see to the other findings and errors about the node",
        Why::NotListed => {
            "on an older release nothing; otherwise see that the address is of the role that it was given for"
        }
        Why::Refused => "start the node, or give its right port",
        Why::Unreachable => "see that the host's name and port can be reached from here",
        Why::TimedOut => {
            "look again; a slow node needs --request-timeout, a slow page --page-timeout, both within --timeout"
        }
        Why::Closed => "look again; if it lasts, see in the node's log why it closes the connection",
        Why::WrongTarget => "give the address of the listener that was meant",
        Why::Malformed => {
            "see that the port is a Kafka listener's; if it is, keep the look with --snapshot and report it"
        }
        Why::TooLarge => {
            "let the exporter's rules pass kafka.controller only; of a node, see that it is a Kafka listener"
        }
        Why::ErrorCode => "look again: elections and restarts pass; what lasts stands in the node's log",
        Why::NotAPage => {
            "give the URL of a Prometheus page, of Jolokia (.../jolokia) or of Strimzi's agent (.../v1/kraft-migration/); a \
             proxy's or a broken exporter's answer is not read in part"
        }
        Why::WithoutMetric => {
            "wait two minutes after a start; let the rules pass type=KafkaController, or name the metric with --metric"
        }
        Why::NotLoaded => "wait; if it lasts, see to quorum-has-leader",
        Why::NotShown => {
            "grant Describe on all topics and DescribeConfigs on them; or look again if topics come and go"
        }
        Why::Ambiguous => "choose one: of a page with --metric and its labels, of an address with ID@HOST:PORT",
        Why::NoExpectation => "give --expect-brokers and --expect-controllers, or an address that answers",
        Why::NotConfirmed => {
            "look again, with a --timeout that leaves room for the second look, two seconds after the first"
        }
        _ => "keep the look with --snapshot and report it",
    }
}

/// What looks odd.
pub(super) fn of_oddity(oddity: Oddity) -> Topic {
    let (brief, look, fix): (_, &[&'static Look], _) = match oddity {
        Oddity::AddressWithoutId => (
            "an address of -b answers, and no broker's Metadata lists it: its answers count for nobody",
            &[BROKERS, SETTINGS],
            "give the address that the broker advertises, or ID@HOST:PORT if it is that broker",
        ),
        Oddity::AddressWithTwoIds => (
            "one address is told for two ids: its answers count for neither",
            &[BROKERS, SETTINGS],
            "see which broker's advertised.listeners is wrong, or which ID@ of the command line",
        ),
        Oddity::ControllerStateDiffers => (
            "a controller's own gauge is not the leader's, or not what the metadata log says: it lags behind, or is of \
             another quorum",
            &[STATE, STATUS],
            "look again; if it lasts, see that the controller follows the leader and that the page is its own",
        ),
        Oddity::CombinedNode => (
            "the node is broker and controller: its flag is its controller's, and not judged as a broker's",
            &[SETTINGS],
            "nothing, but mind its logs: KIP-866 leaves combined nodes out",
        ),
        Oddity::BrokersNotAsked => (
            "the stage was judged by its controllers alone",
            &[BROKERS],
            "give -b, and --expect-brokers if all of them are known",
        ),
        Oddity::ClusterIdsDiffer => (
            "more than one cluster id was told or declared",
            &[CLUSTER_ID_ON_DISK],
            "see that -b, -C and --expect-cluster-id are of one cluster",
        ),
        Oddity::ClusterNotProved => (
            "nothing that was answered ties the brokers to the controllers",
            &[CLUSTER_ID_ON_DISK],
            "compare cluster.id of a broker and a controller by hand, or grant Alter on the cluster, which \
             DescribeCluster of controllers needs",
        ),
        Oddity::MixedVersions => (
            "the nodes are of several minor releases of Kafka, as far as their APIs tell them apart",
            &[KAFKA_VERSION],
            "nothing, if that is meant to be; a rolling upgrade is finished before the next step",
        ),
        Oddity::ReleaseWithDefects => (
            "a node is of a minor release of which some or all patches have known defects of the migration; said by status \
             and health, until the migration is finalized",
            &[KAFKA_VERSION],
            "upgrade before the migration is begun: 3.7.1 is the least, better the newest 3.9; the wire does not tell the patch",
        ),
        other => of_properties(other),
    };
    note(oddity.id(), Kind::Warning, brief, look, fix)
}

/// What looks odd in the files of --command-config and --metrics-config.
fn of_properties(oddity: Oddity) -> (&'static str, &'static [&'static Look], &'static str) {
    match oddity {
        Oddity::HostnameNotVerified => (
            "ssl.endpoint.identification.algorithm is empty: a certificate of the right issuer is believed under any \
             name, so that any host that has one can answer for any node",
            &[],
            "have certificates made whose subjectAltName has the nodes' names, and leave the property out",
        ),
        Oddity::PropertyNearMiss => (
            "a key that is not known is much like one that is, or is another client library's name for it; it is \
             ignored, as Kafka ignores it",
            &[],
            "spell the key as the message does; if it is meant for somebody else, keep it in another file",
        ),
        Oddity::PropertyNotHeeded => (
            "a property of the file asks for something that is not done: the message says what is done instead",
            &[],
            "see whether what is done instead is meant; otherwise set what the message names",
        ),
        Oddity::SecretFileReadable => (
            "a file with a password in plain text can be read by others than its owner",
            &[],
            "chmod 600 FILE, or put ${file:PATH:key} in the password's place and see to that file",
        ),
        // TlsNotAsWritten; what the nodes answer has its words above.
        _ => (
            "a setting of TLS was taken otherwise than it is written: a store of another type than is declared, a \
             protocol or cipher suite that is not known here, or a certificate that cannot be read",
            &[],
            "write the setting as the message says, or see to the store",
        ),
    }
}

fn note(id: &'static str, topic: Kind, brief: &str, look: &[&'static Look], fix: &str) -> Topic {
    Topic { look: look.to_vec(), fix: vec![fix.to_owned()], ..bare(id, topic, brief.to_owned()) }
}
