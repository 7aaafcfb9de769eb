//! The one table of keys: which of Kafka's client properties are honoured, which are refused, and which are passed over
//! without harm. Not here: what honoured ones mean.

use std::cmp::min;

use crate::settings::SECRET_WORDS;

/// What comes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It is done as it says.
    Honoured,
    /// It is refused with these words, unless it names a class of Kafka's own that does what is done anyway.
    Refused(&'static str),
    /// It changes nothing that is done here.
    Harmless,
    /// It is unknown, and much like this key.
    NearMiss(&'static str),
    /// It is another client library's, in words.
    OfOthers(&'static str),
    /// It is unknown, and like nothing: somebody else's.
    Unknown,
}

/// What is done as it says.
const HONOURED: [&str; 33] = [
    "basic.auth.user.info",
    "bearer.auth.token",
    "bootstrap.controllers",
    "bootstrap.servers",
    "client.dns.lookup",
    "client.id",
    "config.providers",
    "default.api.timeout.ms",
    "request.timeout.ms",
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "sasl.mechanism",
    "sasl.oauthbearer.client.credentials.client.id",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.header.urlencode",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.token.endpoint.url",
    "security.protocol",
    "socket.connection.setup.timeout.ms",
    "ssl.cipher.suites",
    "ssl.enabled.protocols",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.protocol",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// What is refused, why, and what may stand there all the same: the beginning of a class's name.
const REFUSED: [(&str, &str, Option<&str>); 8] = [
    (
        "ssl.engine.factory.class",
        "a class of Java cannot be run: give the stores by ssl.truststore and ssl.keystore",
        Some("org.apache.kafka.common.security.ssl.DefaultSslEngineFactory"),
    ),
    ("ssl.provider", "a security provider of Java cannot be used: leave it out", None),
    ("security.providers", "security providers of Java cannot be used: leave them out", None),
    (
        "sasl.client.callback.handler.class",
        "a class of Java cannot be run, so that nobody logs in by AWS IAM or the like: give credentials of PLAIN, SCRAM or \
         OAUTHBEARER by sasl.jaas.config",
        None,
    ),
    ("sasl.login.class", "a class of Java cannot be run: give the credentials by sasl.jaas.config", None),
    (
        "sasl.oauthbearer.jwt.retriever.class",
        "tokens come by client credentials or from a file: leave it out",
        Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"),
    ),
    ("sasl.oauthbearer.assertion.file", "tokens come by client credentials or from a file: leave it out", None),
    (
        "sasl.oauthbearer.assertion.template.file",
        "tokens come by client credentials or from a file: leave it out",
        None,
    ),
];

/// What is of no account for one who only asks, and stands in files that are shared: of clients that produce, consume
/// or administer, by their own names.
const HARMLESS: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.commit.interval.ms",
    "auto.include.jmx.reporter",
    "auto.offset.reset",
    "batch.size",
    "bootstrap.controllers.config",
    "buffer.memory",
    "check.crcs",
    "client.rack",
    "compression.type",
    "connections.max.idle.ms",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.idempotence",
    "enable.metrics.push",
    "exclude.internal.topics",
    "fetch.max.bytes",
    "fetch.max.wait.ms",
    "fetch.min.bytes",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "heartbeat.interval.ms",
    "interceptor.classes",
    "isolation.level",
    "key.deserializer",
    "key.serializer",
    "linger.ms",
    "max.block.ms",
    "max.in.flight.requests.per.connection",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "max.poll.records",
    "max.request.size",
    "metadata.max.age.ms",
    "metadata.max.idle.ms",
    "metadata.recovery.strategy",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "partition.assignment.strategy",
    "partitioner.class",
    "receive.buffer.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "retries",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "send.buffer.bytes",
    "session.timeout.ms",
    "socket.connection.setup.timeout.max.ms",
    "ssl.keymanager.algorithm",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
    "transaction.timeout.ms",
    "transactional.id",
    "value.deserializer",
    "value.serializer",
];
/// The same by their beginnings.
const HARMLESS_BEGINNINGS: [&str; 8] = [
    "confluent.",
    "config.providers.",
    "consumer.",
    "producer.",
    "sasl.kerberos.",
    "sasl.login.",
    "sasl.oauthbearer.",
    "schema.registry.",
];

/// What other client libraries call it, and what Kafka's own clients do.
const OF_OTHERS: [(&str, &str); 10] = [
    ("enable.ssl.certificate.verification", "that is librdkafka's: Kafka has ssl.endpoint.identification.algorithm"),
    ("sasl.mechanisms", "that is librdkafka's name: give it as sasl.mechanism"),
    ("sasl.password", "that is librdkafka's: give sasl.jaas.config"),
    ("sasl.username", "that is librdkafka's: give sasl.jaas.config"),
    ("ssl.ca.location", "that is librdkafka's: give ssl.truststore.location, with ssl.truststore.type=PEM"),
    ("ssl.ca.pem", "that is librdkafka's: give ssl.truststore.certificates"),
    ("ssl.certificate.location", "that is librdkafka's: give ssl.keystore.location, with ssl.keystore.type=PEM"),
    ("ssl.certificate.pem", "that is librdkafka's: give ssl.keystore.certificate.chain"),
    ("ssl.key.location", "that is librdkafka's: give ssl.keystore.location, with ssl.keystore.type=PEM"),
    ("ssl.key.pem", "that is librdkafka's: give ssl.keystore.key"),
];

/// How many letters two names differ in at most that are taken for each other.
const SLIPS_MAX: usize = 2;

/// What comes of this key with this value.
pub(super) fn class(key: &str, value: &str) -> Class {
    if let Some((_, why, own)) = REFUSED.iter().find(|(refused, ..)| *refused == key) {
        let is_harmless = value.is_empty() || own.is_some_and(|own| value.starts_with(own));
        return if is_harmless { Class::Harmless } else { Class::Refused(why) };
    }
    if honoured().any(|honoured| honoured == key) {
        return Class::Honoured;
    }
    // A provider's class is what the list of providers needs.
    if key.strip_prefix("config.providers.").is_some_and(|provider| last_word(provider) == "class") {
        return Class::Honoured;
    }
    if HARMLESS.contains(&key) {
        return Class::Harmless;
    }
    if let Some((_, words)) = OF_OTHERS.iter().find(|(other, _)| *other == key) {
        return Class::OfOthers(words);
    }
    match nearest(key) {
        Some(known) => Class::NearMiss(known),
        None if HARMLESS_BEGINNINGS.iter().any(|beginning| key.starts_with(beginning)) => Class::Harmless,
        None => Class::Unknown,
    }
}

/// Whether the value is for nobody's eyes, by the words of its key. What says where something is, or by what name, is no
/// secret itself.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    match last_word(&key) {
        "url" | "location" | "type" | "id" | "source" | "urlencode" => false,
        "key" | "pem" => true,
        _ => key == "basic.auth.user.info" || SECRET_WORDS.iter().chain(&["credential"]).any(|word| key.contains(word)),
    }
}

fn last_word(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or_default()
}

fn honoured() -> impl Iterator<Item = &'static str> {
    HONOURED.into_iter().chain(REFUSED.into_iter().map(|(key, ..)| key))
}

/// The honoured key that was meant, by all appearance.
fn nearest(key: &str) -> Option<&'static str> {
    let plain = key.to_ascii_lowercase().replace(['_', '-'], ".");
    let slips = |known: &'static str| (strsim::osa_distance(&plain, known), known);
    let allowed = |known: &str| min(SLIPS_MAX, known.len() / 6);
    let mut near: Vec<(usize, &str)> =
        honoured().map(slips).filter(|(slips, known)| *slips <= allowed(known)).collect();
    near.sort_unstable();
    near.first().map(|(_, known)| *known)
}
