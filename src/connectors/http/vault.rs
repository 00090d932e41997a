//! Reads secrets when they are needed, off the threads that speak.

use std::sync::Arc;

use domain::{Failure, FailureKind, Remedy, Secret, SecretRef, Secrets};

use super::classify;
use super::veil::Veil;

/// Where a connector's secrets come from.
#[derive(Clone)]
pub(crate) struct Vault {
    secrets: Arc<dyn Secrets>,
}

impl Vault {
    /// Wraps the port.
    pub(crate) fn new(secrets: Arc<dyn Secrets>) -> Self {
        Self { secrets }
    }

    /// Reads a secret, which may run a program, and remembers to mask it.
    ///
    /// # Errors
    /// `Misconfigured` when it cannot be had.
    pub(crate) async fn open(
        &self,
        setting: &str,
        reference: &SecretRef,
        veil: &Veil,
    ) -> Result<Secret, Failure> {
        let secret = self.peek(reference).await.map_err(|cause| {
            classify::failure(
                FailureKind::Misconfigured,
                Remedy::GiveUp,
                format!("the setting {setting}: {cause}"),
                "Provide the secret where the reference says that it is.",
            )
        })?;
        veil.learn(secret.expose());
        Ok(secret)
    }

    /// Reads a secret without remembering it; the error is a sentence.
    pub(crate) async fn peek(&self, reference: &SecretRef) -> Result<Secret, String> {
        let secrets = Arc::clone(&self.secrets);
        let reference = reference.clone();
        tokio::task::spawn_blocking(move || secrets.resolve(&reference))
            .await
            .map_err(|error| format!("reading it was interrupted: {error}"))?
            .map_err(|error| error.to_string())
    }
}
