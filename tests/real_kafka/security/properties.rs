//! The lines of `server.properties` that make a node a secured one. Whether it is on ZooKeeper or on KRaft, and all else
//! of it, is in `crate::properties`.

use std::fmt::Write as _;

use super::certificates::{Certificates, Form, STORE};
use super::{Doors, USERS, password};
use crate::node::{BrokerMode, ControllerMode, Node};

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required";
const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required";
const OAUTHBEARER: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required";

/// Who calls the ZooKeeper brokers, whoever he is: other brokers, and controllers while they migrate.
const CALLS_BROKERS: &str = "sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512\n";

/// Principals are users, and owners of certificates by their CN; the harness is nobody.
const RIGHTS: &str = "\
super.users=User:admin;User:broker;User:controller;User:ANONYMOUS
ssl.principal.mapping.rules=RULE:^CN=([^,]+)$/$1/,DEFAULT
";

/// The names of a secured controller's listeners. The first is the one that brokers and other controllers use.
pub(crate) const CONTROLLER_LISTENERS: &str = "CONTROLLER,CONTROLLER_MTLS,HARNESS";

/// A broker's listeners, stores, logins and rights.
pub(crate) fn broker(node: &Node, doors: Doors, mode: BrokerMode, certificates: &Certificates) -> String {
    let listeners = format!(
        "SASL_SSL://{},MTLS://{},LOGIN://{},EXPIRED://{},ELSEWHERE://{},HARNESS://{}",
        node.address, node.second_listener, doors.login, doors.expired, doors.elsewhere, doors.harness
    );
    let mut lines = format!(
        "listeners={listeners}\n\
         advertised.listeners={listeners}\n\
         listener.security.protocol.map=SASL_SSL:SASL_SSL,MTLS:SSL,LOGIN:SASL_PLAINTEXT,EXPIRED:SSL,ELSEWHERE:SSL,\
         HARNESS:PLAINTEXT,CONTROLLER:SASL_SSL\n\
         inter.broker.listener.name=SASL_SSL\n\
         listener.name.mtls.ssl.client.auth=required\n\
         sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER\n\
         listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={SCRAM};\n\
         listener.name.sasl_ssl.plain.sasl.jaas.config={};\n\
         listener.name.sasl_ssl.oauthbearer.sasl.jaas.config={OAUTHBEARER} unsecuredLoginStringClaim_sub=\"broker\";\n\
         listener.name.login.sasl.enabled.mechanisms=PLAIN\n\
         listener.name.login.plain.sasl.jaas.config={};\n",
        plain_users(),
        plain_users(),
    );
    lines += RIGHTS;
    lines += CALLS_BROKERS;
    lines += &login_at_brokers();
    lines += &stores(node.id, certificates);
    lines += &store_of("expired", certificates);
    lines += &store_of("elsewhere", certificates);
    lines += authorizer(!mode.is_on_zookeeper());
    if mode != BrokerMode::Zookeeper {
        lines += &login_at_controllers("broker");
    }
    lines
}

/// A controller's listeners, stores, logins and rights.
pub(crate) fn controller(node: &Node, doors: Doors, mode: ControllerMode, certificates: &Certificates) -> String {
    let mut lines = format!(
        "listeners=CONTROLLER://{},CONTROLLER_MTLS://{},HARNESS://{}\n\
         listener.security.protocol.map=CONTROLLER:SASL_SSL,CONTROLLER_MTLS:SSL,HARNESS:PLAINTEXT,SASL_SSL:SASL_SSL\n\
         inter.broker.listener.name=SASL_SSL\n\
         listener.name.controller_mtls.ssl.client.auth=required\n\
         listener.name.controller.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512\n\
         listener.name.controller.scram-sha-512.sasl.jaas.config={SCRAM};\n",
        node.address, node.second_listener, doors.harness
    );
    lines += RIGHTS;
    lines += &login_at_controllers("controller");
    lines += &stores(node.id, certificates);
    lines += authorizer(true);
    if mode != ControllerMode::Finalized {
        // Kafka wants the mechanism among those without a listener's name, although no listener of this node has it.
        lines += CALLS_BROKERS;
        lines += "sasl.enabled.mechanisms=SCRAM-SHA-512\n";
        lines += &login_at_brokers();
    }
    lines
}

/// The user that a controller's log has from the beginning: the others of SCRAM come with the copy.
pub(crate) fn first_scram_user() -> String {
    format!("SCRAM-SHA-512=[name=admin,iterations=4096,password={}]", password("admin"))
}

/// Keys and trust, in another form than the neighbours' have.
fn stores(id: i32, certificates: &Certificates) -> String {
    let form = Form::ALL[usize::try_from(id).expect("a positive id") % Form::ALL.len()];
    let mut lines = String::new();
    for (which, file) in [("keystore", certificates.keys("node", form)), ("truststore", certificates.trust(form))] {
        let _ = write!(lines, "ssl.{which}.type={}\nssl.{which}.location={}\n", form.word(), file.display());
        // Kafka refuses a password beside PEM.
        if form != Form::Pem {
            let _ = writeln!(lines, "ssl.{which}.password={STORE}");
        }
    }
    lines
}

/// What a listener shows that has a certificate of its own.
fn store_of(owner: &str, certificates: &Certificates) -> String {
    let file = certificates.keys(owner, Form::Pkcs12);
    format!(
        "listener.name.{owner}.ssl.keystore.type=PKCS12\n\
         listener.name.{owner}.ssl.keystore.location={}\n\
         listener.name.{owner}.ssl.keystore.password={STORE}\n",
        file.display()
    )
}

fn authorizer(on_kraft: bool) -> &'static str {
    if on_kraft {
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
    } else {
        "authorizer.class.name=kafka.security.authorizer.AclAuthorizer\n"
    }
}

/// Controllers know everybody by PLAIN, for credentials of SCRAM are in the log that only a quorum can read.
fn login_at_controllers(user: &str) -> String {
    format!(
        "sasl.mechanism.controller.protocol=PLAIN\n\
         listener.name.controller.plain.sasl.jaas.config={};\n",
        as_user(&plain_users(), user)
    )
}

fn login_at_brokers() -> String {
    format!("listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={};\n", as_user(SCRAM, "broker"))
}

fn as_user(module: &str, user: &str) -> String {
    format!("{module} username=\"{user}\" password=\"{}\"", password(user))
}

fn plain_users() -> String {
    USERS.iter().fold(PLAIN.to_owned(), |mut module, user| {
        let _ = write!(module, " user_{user}=\"{}\"", password(user));
        module
    })
}
