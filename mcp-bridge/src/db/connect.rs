//! Stand-in until branch h-settings is merged.
#![allow(missing_docs)]
use std::future::poll_fn;
use std::time::Duration;

use tokio_postgres::{AsyncMessage, CancelToken, Client, NoTls};

use crate::db::error::from_postgres;
use crate::error::ToolError;
use crate::settings::ConnInfo;

pub type NoticeSink = tokio::sync::mpsc::UnboundedSender<tokio_postgres::error::DbError>;

pub struct Connected {
    pub client: Client,
    pub canceller: Canceller,
}
#[derive(Clone)]
pub struct Canceller(CancelToken);
impl Canceller {
    pub async fn cancel(&self) -> Result<(), ToolError> {
        match tokio::time::timeout(Duration::from_secs(2), self.0.cancel_query(NoTls)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(from_postgres(&error)),
            Err(_) => Err(ToolError::new(crate::error::Kind::Timeout, "cancel timed out")),
        }
    }
}
pub async fn connect(info: &ConnInfo, notices: NoticeSink) -> Result<Connected, ToolError> {
    let config: tokio_postgres::Config = info.0.parse().map_err(|e| from_postgres(&e))?;
    let (client, mut connection) = config.connect(NoTls).await.map_err(|e| from_postgres(&e))?;
    let canceller = Canceller(client.cancel_token());
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notice(notice) = message {
                let _ = notices.send(notice);
            }
        }
    });
    Ok(Connected { client, canceller })
}
