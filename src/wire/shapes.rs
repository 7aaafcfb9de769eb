//! The shapes of the responses that peers send us, and of the requests that a simulated node reads, as the guard walks
//! them.
//!
//! Source: Kafka's `clients/src/main/resources/common/message/{ApiVersions,Metadata,DescribeQuorum,
//! DescribeCluster,DescribeConfigs,ListPartitionReassignments,SaslHandshake,SaslAuthenticate,Fetch,FetchSnapshot}Response.json`
//! and those of the requests (3.4 to 4.1). Fields are in wire order. A test holds these shapes to the decoder: both must end at the same byte.

use super::guard::{Field, Part, Shape, Tag};
use Part::{
    Array, Bytes, Fixed, NodeIds, NullableArray, NullableBytes, NullableText, NullableTexts, Struct, TaggedArray, Text,
};

/// ApiVersions, versions 0 to 4. Flexible from 3 on, but its header never is (KIP-511).
pub(super) const API_VERSIONS: Shape = Shape {
    fields: &[
        always(Fixed(2)), // ErrorCode
        always(Array(&[
            always(Fixed(2)), // ApiKey
            always(Fixed(2)), // MinVersion
            always(Fixed(2)), // MaxVersion
        ])),
        since(1, Fixed(4)), // ThrottleTimeMs
    ],
    flexible_since: 3,
    tags: &[
        tag(0, 3, Array(&[always(Text), always(Fixed(2)), always(Fixed(2))])), // SupportedFeatures
        tag(1, 3, Fixed(8)),                                                   // FinalizedFeaturesEpoch
        tag(2, 3, Array(&[always(Text), always(Fixed(2)), always(Fixed(2))])), // FinalizedFeatures
        tag(3, 3, Fixed(1)),                                                   // ZkMigrationReady (KIP-866)
    ],
};

/// Metadata, versions 1 to 13.
pub(super) const METADATA: Shape = Shape {
    fields: &[
        since(3, Fixed(4)), // ThrottleTimeMs
        always(Array(&[
            always(Fixed(4)),       // NodeId
            always(Text),           // Host
            always(Fixed(4)),       // Port
            since(1, NullableText), // Rack
        ])),
        since(2, NullableText), // ClusterId
        since(1, Fixed(4)),     // ControllerId
        always(Array(&[
            always(Fixed(2)), // ErrorCode
            between(0, 11, Text),
            since(12, NullableText), // Name, null when asked by id
            since(10, Fixed(16)),    // TopicId
            since(1, Fixed(1)),      // IsInternal
            always(Array(&[
                always(Fixed(2)),   // ErrorCode
                always(Fixed(4)),   // PartitionIndex
                always(Fixed(4)),   // LeaderId
                since(7, Fixed(4)), // LeaderEpoch
                always(NodeIds),    // ReplicaNodes
                always(NodeIds),    // IsrNodes
                since(5, NodeIds),  // OfflineReplicas
            ])),
            since(8, Fixed(4)), // TopicAuthorizedOperations
        ])),
        between(8, 10, Fixed(4)), // ClusterAuthorizedOperations
        since(13, Fixed(2)),      // ErrorCode
    ],
    flexible_since: 9,
    tags: &[],
};

/// DescribeQuorum, versions 0 to 2 (KIP-595, KIP-836, KIP-853).
pub(super) const DESCRIBE_QUORUM: Shape = Shape {
    fields: &[
        always(Fixed(2)),       // ErrorCode
        since(2, NullableText), // ErrorMessage
        always(Array(&[
            always(Text), // TopicName
            always(Array(&[
                always(Fixed(4)),        // PartitionIndex
                always(Fixed(2)),        // ErrorCode
                since(2, NullableText),  // ErrorMessage
                always(Fixed(4)),        // LeaderId
                always(Fixed(4)),        // LeaderEpoch
                always(Fixed(8)),        // HighWatermark
                always(Array(REPLICAS)), // CurrentVoters
                always(Array(REPLICAS)), // Observers
            ])),
        ])),
        since(
            2, // Nodes
            Array(&[always(Fixed(4)), always(Array(&[always(Text), always(Text), always(Fixed(2))]))]),
        ),
    ],
    flexible_since: 0,
    tags: &[],
};

/// `DescribeCluster`, versions 1 and 2 (KIP-919, KIP-1073).
pub(super) const DESCRIBE_CLUSTER: Shape = Shape {
    fields: &[
        always(Fixed(4)),     // ThrottleTimeMs
        always(Fixed(2)),     // ErrorCode
        always(NullableText), // ErrorMessage
        since(1, Fixed(1)),   // EndpointType
        always(Text),         // ClusterId
        always(Fixed(4)),     // ControllerId
        always(Array(&[
            always(Fixed(4)),     // BrokerId
            always(Text),         // Host
            always(Fixed(4)),     // Port
            always(NullableText), // Rack
            since(2, Fixed(1)),   // IsFenced
        ])),
        always(Fixed(4)), // ClusterAuthorizedOperations
    ],
    flexible_since: 0,
    tags: &[],
};

/// `DescribeConfigs`, versions 1 to 4 (KIP-226, KIP-569).
pub(super) const DESCRIBE_CONFIGS: Shape = Shape {
    fields: &[
        always(Fixed(4)), // ThrottleTimeMs
        always(Array(&[
            always(Fixed(2)),     // ErrorCode
            always(NullableText), // ErrorMessage
            always(Fixed(1)),     // ResourceType
            always(Text),         // ResourceName
            always(Array(&[
                always(Text),         // Name
                always(NullableText), // Value
                always(Fixed(1)),     // ReadOnly
                always(Fixed(1)),     // ConfigSource
                always(Fixed(1)),     // IsSensitive
                always(Array(&[
                    always(Text),         // Name
                    always(NullableText), // Value
                    always(Fixed(1)),     // Source
                ])),
                since(3, Fixed(1)),     // ConfigType
                since(3, NullableText), // Documentation
            ])),
        ])),
    ],
    flexible_since: 4,
    tags: &[],
};

/// `ListPartitionReassignments`, version 0 (KIP-455).
pub(super) const LIST_PARTITION_REASSIGNMENTS: Shape = Shape {
    fields: &[
        always(Fixed(4)),     // ThrottleTimeMs
        always(Fixed(2)),     // ErrorCode
        always(NullableText), // ErrorMessage
        always(Array(&[
            always(Text), // Name
            always(Array(&[
                always(Fixed(4)), // PartitionIndex
                always(NodeIds),  // Replicas
                always(NodeIds),  // AddingReplicas
                always(NodeIds),  // RemovingReplicas
            ])),
        ])),
    ],
    flexible_since: 0,
    tags: &[],
};

/// `SaslHandshake`, version 1 (KIP-43, KIP-152), which is not flexible: an element of one string is that string.
pub(super) const SASL_HANDSHAKE: Shape = Shape {
    fields: &[
        always(Fixed(2)),               // ErrorCode
        always(Array(&[always(Text)])), // Mechanisms
    ],
    flexible_since: i16::MAX,
    tags: &[],
};

/// `SaslAuthenticate`, versions 0 to 2 (KIP-152, KIP-368).
pub(super) const SASL_AUTHENTICATE: Shape = Shape {
    fields: &[
        always(Fixed(2)),     // ErrorCode
        always(NullableText), // ErrorMessage
        always(Bytes),        // AuthBytes
        since(1, Fixed(8)),   // SessionLifetimeMs
    ],
    flexible_since: 2,
    tags: &[],
};

/// `Fetch`, versions 13 to 17 (KIP-516, KIP-595, KIP-951).
pub(super) const FETCH: Shape = Shape {
    fields: &[
        always(Fixed(4)), // ThrottleTimeMs
        always(Fixed(2)), // ErrorCode
        always(Fixed(4)), // SessionId
        always(Array(&[
            since(13, Fixed(16)), // TopicId
            always(TaggedArray(
                &[
                    always(Fixed(4)),                                             // PartitionIndex
                    always(Fixed(2)),                                             // ErrorCode
                    always(Fixed(8)),                                             // HighWatermark
                    always(Fixed(8)),                                             // LastStableOffset
                    always(Fixed(8)),                                             // LogStartOffset
                    always(NullableArray(&[always(Fixed(8)), always(Fixed(8))])), // AbortedTransactions
                    always(Fixed(4)),                                             // PreferredReadReplica
                    always(NullableBytes),                                        // Records
                ],
                &[
                    tag(0, 12, Struct(&[always(Fixed(4)), always(Fixed(8))])), // DivergingEpoch
                    tag(1, 12, Struct(LEADER)),                                // CurrentLeader
                    tag(2, 12, Struct(SNAPSHOT_ID)),                           // SnapshotId
                ],
            )),
        ])),
    ],
    flexible_since: 12,
    tags: &[
        tag(0, 16, Array(&[always(Fixed(4)), always(Text), always(Fixed(4)), always(NullableText)])), // NodeEndpoints
    ],
};

/// `FetchSnapshot`, versions 0 and 1 (KIP-630, KIP-853).
pub(super) const FETCH_SNAPSHOT: Shape = Shape {
    fields: &[
        always(Fixed(4)), // ThrottleTimeMs
        always(Fixed(2)), // ErrorCode
        always(Array(&[
            always(Text), // Name
            always(TaggedArray(
                &[
                    always(Fixed(4)),            // Index
                    always(Fixed(2)),            // ErrorCode
                    always(Struct(SNAPSHOT_ID)), // SnapshotId
                    always(Fixed(8)),            // Size
                    always(Fixed(8)),            // Position
                    always(Bytes),               // UnalignedRecords
                ],
                &[tag(0, 0, Struct(LEADER))], // CurrentLeader
            )),
        ])),
    ],
    flexible_since: 0,
    tags: &[tag(0, 1, Array(&[always(Fixed(4)), always(Text), always(Fixed(2))]))], // NodeEndpoints
};

/// The request of `SaslHandshake`, version 1.
pub(super) const SASL_HANDSHAKE_REQUEST: Shape = Shape { fields: &[always(Text)], flexible_since: i16::MAX, tags: &[] };

/// The request of `SaslAuthenticate`, versions 0 to 2.
pub(super) const SASL_AUTHENTICATE_REQUEST: Shape = Shape { fields: &[always(Bytes)], flexible_since: 2, tags: &[] };

/// The request of `Metadata`, versions 4 to 13.
pub(super) const METADATA_REQUEST: Shape = Shape {
    fields: &[
        always(NullableArray(&[
            since(10, Fixed(16)), // TopicId
            between(0, 9, Text),
            since(10, NullableText), // Name
        ])),
        since(4, Fixed(1)),       // AllowAutoTopicCreation
        between(8, 10, Fixed(1)), // IncludeClusterAuthorizedOperations
        since(8, Fixed(1)),       // IncludeTopicAuthorizedOperations
    ],
    flexible_since: 9,
    tags: &[],
};

/// The request of `DescribeCluster`, versions 0 to 2.
pub(super) const DESCRIBE_CLUSTER_REQUEST: Shape = Shape {
    fields: &[
        always(Fixed(1)),   // IncludeClusterAuthorizedOperations
        since(1, Fixed(1)), // EndpointType
        since(2, Fixed(1)), // IncludeFencedBrokers
    ],
    flexible_since: 0,
    tags: &[],
};

/// The request of `DescribeConfigs`, versions 1 to 4.
pub(super) const DESCRIBE_CONFIGS_REQUEST: Shape = Shape {
    fields: &[
        always(Array(&[
            always(Fixed(1)),      // ResourceType
            always(Text),          // ResourceName
            always(NullableTexts), // ConfigurationKeys
        ])),
        always(Fixed(1)),   // IncludeSynonyms
        since(3, Fixed(1)), // IncludeDocumentation
    ],
    flexible_since: 4,
    tags: &[],
};

/// The request of `Fetch`, versions 13 to 17.
pub(super) const FETCH_REQUEST: Shape = Shape {
    fields: &[
        between(0, 14, Fixed(4)), // ReplicaId
        always(Fixed(4)),         // MaxWaitMs
        always(Fixed(4)),         // MinBytes
        always(Fixed(4)),         // MaxBytes
        always(Fixed(1)),         // IsolationLevel
        always(Fixed(4)),         // SessionId
        always(Fixed(4)),         // SessionEpoch
        always(Array(&[
            always(Fixed(16)), // TopicId
            always(TaggedArray(
                &[
                    always(Fixed(4)), // Partition
                    always(Fixed(4)), // CurrentLeaderEpoch
                    always(Fixed(8)), // FetchOffset
                    always(Fixed(4)), // LastFetchedEpoch
                    always(Fixed(8)), // LogStartOffset
                    always(Fixed(4)), // PartitionMaxBytes
                ],
                &[tag(0, 17, Fixed(16)), tag(1, 18, Fixed(8))], // ReplicaDirectoryId, HighWatermark
            )),
        ])),
        always(Array(&[always(Fixed(16)), always(NodeIds)])), // ForgottenTopicsData
        always(Text),                                         // RackId
    ],
    flexible_since: 12,
    tags: &[
        tag(0, 12, NullableText),                                  // ClusterId
        tag(1, 15, Struct(&[always(Fixed(4)), always(Fixed(8))])), // ReplicaState
    ],
};

/// The request of `FetchSnapshot`, versions 0 and 1.
pub(super) const FETCH_SNAPSHOT_REQUEST: Shape = Shape {
    fields: &[
        always(Fixed(4)), // ReplicaId
        always(Fixed(4)), // MaxBytes
        always(Array(&[
            always(Text), // Name
            always(TaggedArray(
                &[
                    always(Fixed(4)),            // Partition
                    always(Fixed(4)),            // CurrentLeaderEpoch
                    always(Struct(SNAPSHOT_ID)), // SnapshotId
                    always(Fixed(8)),            // Position
                ],
                &[tag(0, 1, Fixed(16))], // ReplicaDirectoryId
            )),
        ])),
    ],
    flexible_since: 0,
    tags: &[tag(0, 0, NullableText)], // ClusterId
};

/// `LeaderIdAndEpoch`.
const LEADER: &[Field] = &[
    always(Fixed(4)), // LeaderId
    always(Fixed(4)), // LeaderEpoch
];

/// `SnapshotId`.
const SNAPSHOT_ID: &[Field] = &[
    always(Fixed(8)), // EndOffset
    always(Fixed(4)), // Epoch
];

const REPLICAS: &[Field] = &[
    always(Fixed(4)),    // ReplicaId
    since(2, Fixed(16)), // ReplicaDirectoryId
    always(Fixed(8)),    // LogEndOffset
    since(1, Fixed(8)),  // LastFetchTimestamp
    since(1, Fixed(8)),  // LastCaughtUpTimestamp
];

const fn always(part: Part) -> Field {
    between(0, i16::MAX, part)
}

const fn since(since: i16, part: Part) -> Field {
    between(since, i16::MAX, part)
}

const fn between(since: i16, until: i16, part: Part) -> Field {
    Field { since, until, part }
}

const fn tag(number: u32, since: i16, part: Part) -> Tag {
    Tag { number, since, part }
}
