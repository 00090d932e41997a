//! Versions of resources, in the shape `"<43 characters>/<27 characters>"`.
//!
//! The first half names the collection and never changes here; the second half is a digest of what the resource
//! shows, so it changes exactly when the content does.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The half that all resources of this mock share.
const SHARED: &str = "kc4Cv-FYphwGmUQ2JAGTLXKNyZKgMwWJjyqyFvE6Rpc";

/// A digest of twenty bytes; 27 characters when written.
pub(super) type Digest = [u8; 20];

/// Digests bytes. Stable within one build, which is all that a version has to be.
pub(super) fn digest(bytes: &[u8]) -> Digest {
    let mut out = [0; 20];
    for (part, chunk) in out.chunks_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        hasher.write_usize(part);
        hasher.write(bytes);
        let word = hasher.finish().to_be_bytes();
        let take = chunk.len();
        chunk.copy_from_slice(&word[..take]);
    }
    out
}

/// Digests whatever can be hashed; stable within one build, too.
pub(super) fn digest_of(content: &impl Hash) -> Digest {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    // 64 bits tell contents apart; the rest fills the shape.
    digest(&hasher.finish().to_be_bytes())
}

/// Writes a version as the API shows it, quotes included.
pub(super) fn show(digest: &Digest) -> String {
    format!("\"{SHARED}/{}\"", URL_SAFE_NO_PAD.encode(digest))
}

/// Tells whether an `If-Match` or `If-None-Match` header names a version.
pub(super) fn names(header: &str, etag: &str) -> bool {
    header
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one == etag || one.strip_prefix("W/") == Some(etag))
}
