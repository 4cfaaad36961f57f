//! Free memory that is put aside for somebody.

use alloc::vec::Vec;
use core::ops::Range;

use terrace_addr::{Addr, Bytes, Nanos, Space};

use super::{Memory, address, bytes};
use crate::word::Kind;
use crate::{Extent, Mobility, Order, Owner, ReservationId, Taken};

/// A block that is put aside: its frames are used through it, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation<L: Space> {
    /// Its name.
    pub id: ReservationId,
    /// Who holds it.
    pub owner: Owner,
    /// The first address of the block.
    pub start: Addr<L>,
    /// The block's order.
    pub order: Order,
    /// When it ends, if nobody ends it before.
    pub until: Nanos,
}

impl<L: Space> Reservation<L> {
    /// The whole block, used or not.
    pub fn extent(&self) -> Extent<L> {
        Extent { start: self.start, bytes: self.order.bytes() }
    }
}

impl<L: Space> Memory<L> {
    /// Puts the block at `at` aside, all of whose frames must be free. It is then neither free nor used: only
    /// [`allocate_reserved`](Self::allocate_reserved) gives it out. The watermarks are not asked.
    ///
    /// # Errors
    /// If `at` is not aligned, or one of the frames is used, reserved or absent: the first that is.
    pub fn reserve(
        &mut self,
        at: Addr<L>,
        order: Order,
        owner: Owner,
        until: Nanos,
    ) -> Result<ReservationId, Taken<L>> {
        let (node, first) = self.free_block(at, order)?;
        let id = ReservationId(self.next_reservation);
        self.next_reservation += 1;
        self.zones[node].reserve(first, order, id);
        self.reservations.insert(id, Reservation { id, owner, start: at, order, until });
        self.starts.insert(at, id);
        Ok(id)
    }

    /// Takes a block out of a reservation; the rest stays reserved. When it is given back while the reservation lasts,
    /// it is reserved again.
    ///
    /// # Errors
    /// If `at` is not aligned, or one of the frames is used, absent, free or of another reservation: the first that
    /// is.
    pub fn allocate_reserved(
        &mut self,
        id: ReservationId,
        at: Addr<L>,
        order: Order,
        mobility: Mobility,
    ) -> Result<(), Taken<L>> {
        let (node, first) = self.block(at, order)?;
        let zone = &mut self.zones[node];
        for frame in first..first + order.length() {
            match zone.kind(frame) {
                Kind::Reserved(found) if found == id => {}
                Kind::Reserved(other) => return Err(Taken::Reserved(other)),
                Kind::Used => return Err(Taken::Used(address(zone, frame))),
                Kind::Inside | Kind::Head => return Err(Taken::NotReserved(address(zone, frame))),
            }
        }
        zone.allocate_reserved(first, order, mobility);
        Ok(())
    }

    /// Ends a reservation: what nobody uses of it is free again. Tells how much that is; nothing if the reservation has
    /// ended already.
    pub fn release(&mut self, id: ReservationId) -> Bytes {
        let Some(reservation) = self.reservations.remove(&id) else { return Bytes::ZERO };
        self.starts.remove(&reservation.start);
        let Ok((node, first)) = self.block(reservation.start, reservation.order) else { return Bytes::ZERO };
        let zone = &mut self.zones[node];
        let runs: Vec<_> = zone.reserved_runs(first..first + reservation.order.length(), id).collect();
        let mut freed = 0;
        for run in runs {
            freed += run.len();
            zone.give_run(run);
        }
        bytes(freed)
    }

    /// Ends the reservations whose time has come (`until` is `now` or before), and tells which, in the order in which
    /// they were made, with the whole block of each.
    pub fn expire(&mut self, now: Nanos) -> Vec<(ReservationId, Owner, Extent<L>)> {
        let expired = self.reservations().filter(|reservation| reservation.until <= now);
        let expired: Vec<_> = expired.map(|ended| (ended.id, ended.owner, ended.extent())).collect();
        for &(id, ..) in &expired {
            self.release(id);
        }
        expired
    }

    /// A reservation that lasts.
    pub fn reservation(&self, id: ReservationId) -> Option<&Reservation<L>> {
        self.reservations.get(&id)
    }

    /// The reservations that last, in the order in which they were made.
    pub fn reservations(&self) -> impl Iterator<Item = &Reservation<L>> {
        self.reservations.values()
    }

    /// The reservation whose block holds `at`, whether that frame is used or not.
    pub fn reservation_at(&self, at: Addr<L>) -> Option<&Reservation<L>> {
        let (_, id) = self.starts.range(..=at).next_back()?;
        self.reservations.get(id).filter(|reservation| reservation.extent().contains(at))
    }

    /// Gives back used frames, of which some were taken out of reservations.
    #[cold]
    pub(super) fn free_lent(&mut self, node: usize, range: Range<usize>) {
        for frame in range {
            let lender = self.reservation_at(address(&self.zones[node], frame)).map(|lender| lender.id);
            let zone = &mut self.zones[node];
            match lender {
                Some(id) => zone.give_to(frame, id),
                None => zone.give(frame, Order::BASE),
            }
        }
    }
}
