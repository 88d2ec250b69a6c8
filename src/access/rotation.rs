//! Whose word a rotation of keys needs: one administrator asks and looks after it, another agrees.
//! Never one person's word alone, whatever roles a policy gives to one and the same: `operations` holds the two apart.
//! The entry of each word names the rotation as the approval that it is.

use super::account::{Origin, RotationAct, Written};
use super::decide::Access;
use super::permit::{Denied, Permit};
use super::question::Duty;
use super::standing::Standing;
use crate::ambient::Micros;
use crate::records::MandateId;

impl RotationAct {
    /// The duty of whoever does it.
    pub fn duty(self) -> Duty {
        match self {
            RotationAct::Ask | RotationAct::Pause | RotationAct::Resume | RotationAct::Cancel => {
                Duty::KeysRotate
            }
            RotationAct::Grant | RotationAct::Refuse => Duty::KeysAgree,
        }
    }
}

impl Access {
    /// Decides whether somebody may have this word about a rotation.
    ///
    /// # Errors
    /// [`Denied`] when none of the caller's assignments has the duty now.
    pub fn decide_rotation<T>(
        &self,
        standing: &Standing,
        act: RotationAct,
        id: MandateId,
        origin: &Origin,
        now: Micros,
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let mut permit = self.decide_duty(standing, act.duty(), origin, now, target)?;
        permit.account.written = Written::Rotation(act);
        permit.account.approval = Some(id);
        Ok(permit)
    }
}
