//! What looks odd and does not decide: the kinds of warnings. Not here: when they are said, and what they mean.

/// What looks odd and does not decide: the kinds of warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// An address answered that no broker lists.
    AddressWithoutId,
    /// An address was given or listed for two ids.
    AddressWithTwoIds,
    /// A controller's own gauge says something else than the leader's, or than the metadata log.
    ControllerStateDiffers,
    /// A node is broker and controller.
    CombinedNode,
    /// A stage was judged without any broker.
    BrokersNotAsked,
    /// Several cluster ids were told or declared.
    ClusterIdsDiffer,
    /// Nothing ties the brokers to the controllers.
    ClusterNotProved,
    /// Nodes of several releases of Kafka.
    MixedVersions,
    /// A node is of a release with known defects of the migration.
    ReleaseWithDefects,
    /// Listeners' certificates are not held to the listeners' names.
    HostnameNotVerified,
    /// A key of a properties file is not known, and much like one that is.
    PropertyNearMiss,
    /// A property is known, and what it asks for is not done.
    PropertyNotHeeded,
    /// Others on this host can read a file with a password in it.
    SecretFileReadable,
    /// A setting of TLS is taken otherwise than it is written.
    TlsNotAsWritten,
}

impl Oddity {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::AddressWithoutId,
        Self::AddressWithTwoIds,
        Self::ControllerStateDiffers,
        Self::CombinedNode,
        Self::BrokersNotAsked,
        Self::ClusterIdsDiffer,
        Self::ClusterNotProved,
        Self::MixedVersions,
        Self::ReleaseWithDefects,
        Self::HostnameNotVerified,
        Self::PropertyNearMiss,
        Self::PropertyNotHeeded,
        Self::SecretFileReadable,
        Self::TlsNotAsWritten,
    ];

    /// The name under which it is reported.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::AddressWithoutId => "address-without-id",
            Self::AddressWithTwoIds => "address-with-two-ids",
            Self::ControllerStateDiffers => "controller-state-differs",
            Self::CombinedNode => "combined-node",
            Self::BrokersNotAsked => "brokers-not-asked",
            Self::ClusterIdsDiffer => "cluster-ids-differ",
            Self::ClusterNotProved => "cluster-not-proved",
            Self::MixedVersions => "mixed-versions",
            Self::ReleaseWithDefects => "release-with-defects",
            Self::HostnameNotVerified => "hostname-not-verified",
            Self::PropertyNearMiss => "property-near-miss",
            Self::PropertyNotHeeded => "property-not-heeded",
            Self::SecretFileReadable => "secret-file-readable",
            Self::TlsNotAsWritten => "tls-not-as-written",
        }
    }
}
