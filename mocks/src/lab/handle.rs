//! One mock, whatever its vendor: what a screen, a lesson or a test does with any of the three.

use std::sync::Arc;

use crate::{
    Mock, Object, StartError, Vendor,
    fault::{Armed, FaultId, FaultSpec, SpecError},
    log::{Entry, Feed},
    quota::Quota,
    server::NoSnapshot,
};

/// The vendor-free side of a [`Mock`]; every method is the one of the same name there.
#[expect(missing_docs, reason = "every method is documented at `Mock`")]
pub trait Handle: Send + Sync {
    fn name(&self) -> &'static str;
    fn arm(&self, spec: &str) -> Result<FaultId, SpecError>;
    fn arm_spec(&self, spec: FaultSpec) -> Result<FaultId, SpecError>;
    fn disarm(&self, id: FaultId) -> Option<Armed>;
    fn disarm_all(&self) -> usize;
    fn armed(&self) -> Vec<Armed>;
    fn set_quota(&self, quota: Quota);
    fn usage(&self) -> Option<(u64, u64)>;
    fn set_licences(&self, licences: Option<u64>);
    fn expire_tokens(&self);
    fn objects(&self) -> Vec<Object>;
    fn log(&self) -> Vec<Arc<Entry>>;
    fn log_after(&self, after: u64) -> Vec<Arc<Entry>>;
    fn subscribe(&self) -> Feed;
    fn snapshot(&self, name: &str);
    fn snapshots(&self) -> Vec<String>;
    fn restore(&self, name: &str) -> Result<(), NoSnapshot>;
    fn reset(&self);
    fn seed(&self, toml: &str) -> Result<(), StartError>;
}

impl<V: Vendor> Handle for Mock<V> {
    fn name(&self) -> &'static str {
        V::NAME
    }

    fn arm(&self, spec: &str) -> Result<FaultId, SpecError> {
        Mock::arm(self, spec)
    }

    fn arm_spec(&self, spec: FaultSpec) -> Result<FaultId, SpecError> {
        Mock::arm_spec(self, spec)
    }

    fn disarm(&self, id: FaultId) -> Option<Armed> {
        Mock::disarm(self, id)
    }

    fn disarm_all(&self) -> usize {
        Mock::disarm_all(self)
    }

    fn armed(&self) -> Vec<Armed> {
        Mock::armed(self)
    }

    fn set_quota(&self, quota: Quota) {
        Mock::set_quota(self, quota);
    }

    fn usage(&self) -> Option<(u64, u64)> {
        Mock::usage(self)
    }

    fn set_licences(&self, licences: Option<u64>) {
        Mock::set_licences(self, licences);
    }

    fn expire_tokens(&self) {
        Mock::expire_tokens(self);
    }

    fn objects(&self) -> Vec<Object> {
        Mock::objects(self)
    }

    fn log(&self) -> Vec<Arc<Entry>> {
        Mock::log(self)
    }

    fn log_after(&self, after: u64) -> Vec<Arc<Entry>> {
        Mock::log_after(self, after)
    }

    fn subscribe(&self) -> Feed {
        Mock::subscribe(self)
    }

    fn snapshot(&self, name: &str) {
        Mock::snapshot(self, name);
    }

    fn snapshots(&self) -> Vec<String> {
        Mock::snapshots(self)
    }

    fn restore(&self, name: &str) -> Result<(), NoSnapshot> {
        Mock::restore(self, name)
    }

    fn reset(&self) {
        Mock::reset(self);
    }

    fn seed(&self, toml: &str) -> Result<(), StartError> {
        Mock::seed(self, toml)
    }
}
