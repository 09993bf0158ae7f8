// Package store is the repository of Fleet's records over the table seam. Every change of an instance is one atomic write,
// made by Update: conditional on what was read, on the run's epoch where it has one, and with its audit entry inside.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// Store reads and changes records.
type Store struct {
	table table.Table
	clock clock.Clock
}

// New makes a store over a table that has the Indexes.
func New(t table.Table, c clock.Clock) *Store { return &Store{t, c} }

// epoch is the item that only a take-over changes.
type epoch struct{ Epoch int64 }

func (e epoch) String() string { return strconv.FormatInt(e.Epoch, 10) }

// Tx is one atomic change in the making. What it reads is consistent; what it writes is conditional on what it read.
type Tx struct {
	ctx      context.Context
	store    *Store
	instance string
	seen     map[table.Key]int64 // version read, 0 for absent
	writes   []table.Write
	held     []table.Key // read, and to be as they were read when the writes are made
	audit    []fleet.AuditEntry
	proof    string // the epoch that must still hold, empty for none
	moved    string // the epoch that this change moves on, empty for none
}

// Now is the store's clock.
func (tx *Tx) Now() time.Time { return tx.store.clock.Now() }

const updateTries = 60

// Update runs change and makes its writes, all or none. It runs change anew, on fresh reads, when another write got in
// between or the answer of its own was lost: change must look at what is there before it writes, and find its own effect.
// It returns change's error as it is, a StaleEpoch fault when the epoch that change proves has moved on, Unavailable when
// the table doesn't answer, and Internal for a change that is over the table's limits.
func (s *Store) Update(ctx context.Context, instanceID string, change func(*Tx) error) error {
	for try := range updateTries {
		tx := &Tx{ctx: ctx, store: s, instance: instanceID, seen: map[table.Key]int64{}}
		if err := change(tx); err != nil {
			return err
		}
		err := tx.commit()
		refused, wasRefused := errors.AsType[*table.ConditionError](err)
		switch {
		case err == nil:
			return nil
		case wasRefused && slices.Contains(refused.Reasons, table.WrongAttribute):
			return fault.New(fault.StaleEpoch, "another run has taken the instance over")
		case wasRefused, errors.Is(err, table.ErrOutcomeUnknown):
			pause := time.Duration(rand.Int64N(int64(min(try+1, 20)) * int64(10*time.Millisecond)))
			if err := s.clock.Sleep(ctx, pause); err != nil {
				return unavailable(err)
			}
		case errors.Is(err, table.ErrLimit):
			return &fault.Error{Code: fault.Internal, Text: "the change is over the table's limits", Err: err}
		default:
			return unavailable(err)
		}
	}
	return fault.New(fault.Unavailable, "the record was changed by others %d times in a row", updateTries)
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, table.ErrLimit) {
		return &fault.Error{Code: fault.Internal, Text: "the record is over the table's limits", Err: err}
	}
	return &fault.Error{Code: fault.Unavailable, Text: "the table did not do it", Err: err}
}

// Prove makes the change conditional on the instance's epoch being e.
func (tx *Tx) Prove(e int64) { tx.proof = epoch{e}.String() }

// MoveEpoch raises the instance's epoch from old to old+1 and gives it, or a StaleEpoch fault. An old of 0 begins it.
func (tx *Tx) MoveEpoch(old int64) (int64, error) {
	now, err := tx.Epoch()
	if err != nil {
		return 0, err
	}
	if now != old {
		return 0, fault.New(fault.StaleEpoch, "another run has taken the instance over")
	}
	tx.moved = epoch{old}.String()
	return old + 1, tx.put(epochKey(tx.instance), &epoch{old + 1})
}

// Epoch reads the instance's epoch, 0 while there is none. Only a take-over may use it: a step proves the epoch of its input.
func (tx *Tx) Epoch() (int64, error) {
	e, err := get[epoch](tx, epochKey(tx.instance))
	if err != nil || e == nil {
		return 0, err
	}
	return e.Epoch, nil
}

// Audit adds an entry to the instance's chain. An entry whose id is there already, or twice in a change, is left as it is.
func (tx *Tx) Audit(e fleet.AuditEntry) { tx.audit = append(tx.audit, e) }

// Audited reports whether the instance's chain has an entry of this id: a change that finds its own was made already.
func (tx *Tx) Audited(id string) (bool, error) {
	e, err := get[fleet.AuditEntry](tx, auditKey(tx.instance, id))
	return e != nil, err
}

func (tx *Tx) commit() error {
	if err := tx.chain(); err != nil {
		return err
	}
	for _, key := range tx.held {
		tx.check(key)
	}
	switch {
	case tx.proof != "" && tx.moved != "" && tx.proof != tx.moved: // what moves the epoch on proves the old one by itself
		return &table.ConditionError{Reasons: []table.Reason{table.WrongAttribute}}
	case tx.proof != "" && tx.moved == "":
		tx.writes = append(tx.writes, table.Write{Op: table.Check, Item: table.Item{Key: epochKey(tx.instance)},
			If: table.Condition{Attribute: "epoch", Value: tx.proof}})
	}
	if len(tx.writes) == 0 { // every audit entry was there already
		return nil
	}
	return tx.store.table.Write(tx.ctx, tx.writes)
}

func (tx *Tx) chain() error {
	if len(tx.audit) == 0 {
		return nil
	}
	head, err := get[fleet.AuditHead](tx, auditHeadKey(tx.instance))
	if err != nil {
		return err
	}
	if head == nil {
		head = &fleet.AuditHead{}
	}
	before := head.Seq
	told := map[string]bool{}
	for _, e := range tx.audit {
		if told[e.ID] {
			continue
		}
		told[e.ID] = true
		there, err := get[fleet.AuditEntry](tx, auditKey(tx.instance, e.ID))
		if err != nil {
			return err
		}
		if there != nil {
			continue
		}
		e.At = tx.Now()
		e = e.Chain(*head)
		*head = fleet.AuditHead{Seq: e.Seq, Hash: e.Hash}
		if err := tx.put(auditKey(tx.instance, e.ID), &e); err != nil {
			return err
		}
	}
	if head.Seq == before {
		return nil
	}
	return tx.put(auditHeadKey(tx.instance), head)
}

// get reads a record for a change, nil if there is none.
func get[T any](tx *Tx, key table.Key) (*T, error) {
	item, err := tx.store.table.Get(tx.ctx, key, true)
	if errors.Is(err, table.ErrNotFound) {
		tx.seen[key] = 0
		return nil, nil
	}
	if err != nil {
		return nil, unavailable(err)
	}
	tx.seen[key] = item.Version
	return decode[T](item)
}

func decode[T any](item table.Item) (*T, error) {
	record := new(T)
	if err := json.Unmarshal(item.Body, record); err != nil {
		return nil, &fault.Error{Code: fault.Internal, Text: fmt.Sprintf("record %s/%s does not decode", item.Partition, item.Sort), Err: err}
	}
	return record, nil
}

// put writes a record on the condition that it is as it was read; one that was not read must be absent.
func (tx *Tx) put(key table.Key, record any) error {
	body, err := json.Marshal(record)
	if err != nil {
		return &fault.Error{Code: fault.Internal, Text: "record does not encode", Err: err}
	}
	index, attributes := place(record)
	w := table.Write{Op: table.Put, Item: table.Item{Key: key, Attributes: attributes, Index: index, Body: body, Expires: lapses(record)},
		If: table.Condition{Version: tx.seen[key], Absent: tx.seen[key] == 0}}
	if i := slices.IndexFunc(tx.writes, func(w table.Write) bool { return w.Item.Key == key }); i >= 0 {
		tx.writes[i] = w
		return nil
	}
	tx.writes = append(tx.writes, w)
	return nil
}

// check makes the writes conditional on a record that none of them writes being as it was read. Where nothing is written,
// nothing is checked.
func (tx *Tx) check(key table.Key) {
	if len(tx.writes) == 0 || slices.ContainsFunc(tx.writes, func(w table.Write) bool { return w.Item.Key == key }) {
		return
	}
	tx.writes = append(tx.writes, table.Write{Op: table.Check, Item: table.Item{Key: key},
		If: table.Condition{Version: tx.seen[key], Absent: tx.seen[key] == 0}})
}

// remove deletes a record on the condition that it is as it was read. One that was absent stays so.
func (tx *Tx) remove(key table.Key) {
	tx.writes = slices.DeleteFunc(tx.writes, func(w table.Write) bool { return w.Item.Key == key })
	if v := tx.seen[key]; v != 0 {
		tx.writes = append(tx.writes, table.Write{Op: table.Delete, Item: table.Item{Key: key}, If: table.Condition{Version: v}})
	}
}
