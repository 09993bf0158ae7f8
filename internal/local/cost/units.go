package main

import (
	"strconv"
	"time"

	"github.com/project-gimbal/fleet/internal/store/table"
)

// What follows is DynamoDB's arithmetic, as its developer guide has it: "DynamoDB item sizes and formats", "Read and write
// operations", "Managing transactions", "Using global secondary indexes".

const (
	readUnit  = 4 << 10 // bytes of a consistent read that are one unit
	writeUnit = 1 << 10 // bytes of a write that are one unit
	// entryOverhead is what each item, and each of its copies in an index, takes of the storage beside its own bytes.
	entryOverhead = 100
)

// units is how many units so many bytes are: whole ones, and at least one.
func units(bytes, unit int) float64 { return float64(max(1, (bytes+unit-1)/unit)) }

// readUnits are those of one Get, or of one page of a Query by the sum of its items. Nothing found costs as much as little.
func readUnits(bytes int, consistent bool) float64 {
	if consistent {
		return units(bytes, readUnit)
	}
	return units(bytes, readUnit) / 2
}

// size is what DynamoDB counts of an item in the form that package dynamo gives it: names and values of all its attributes.
// A number has about a byte for two digits, and one; a map three, and one for each of its pairs.
func size(i table.Item) int {
	n := len("pk"+"sk"+"version") + len(i.Partition) + len(i.Sort) + number(i.Version)
	if len(i.Attributes) > 0 {
		n += len("attributes") + 3
		for name, value := range i.Attributes {
			n += 1 + len(name) + len(value)
		}
	}
	for name, place := range i.Index {
		n += 2*len(name) + len("_pk"+"_sk") + len(place.Partition) + len(place.Sort)
	}
	if len(i.Body) > 0 {
		n += len("body") + len(i.Body)
	}
	if !i.Expires.IsZero() {
		n += len("expires") + number(i.Expires.Unix())
	}
	return n
}

func number(n int64) int { return (len(strconv.FormatInt(n, 10))+1)/2 + 1 }

// stored is what an item takes of the storage: itself and its copies in indexes, which project everything.
func stored(i table.Item) int { return (size(i) + entryOverhead) * (1 + len(i.Index)) }

// writeUnits are those of one part of a transaction, given the item as it was before, if it was there. Transactions count
// double. A check costs as much as a write. A copy in an index is written once where its place stays, twice where it moves;
// those count double here as well: DynamoDB doesn't say that they don't.
func writeUnits(w table.Write, before *table.Item) float64 {
	old := 0
	if before != nil {
		old = size(*before)
	}
	switch w.Op {
	case table.Check:
		return 2 * units(old, writeUnit)
	case table.Delete:
		total := units(old, writeUnit)
		if before != nil {
			total += units(old, writeUnit) * float64(len(before.Index))
		}
		return 2 * total
	}
	after := w.Item
	after.Version = w.If.Version + 1
	fresh := size(after)
	total := units(max(old, fresh), writeUnit)
	for name, place := range after.Index {
		total += units(fresh, writeUnit)
		if before != nil {
			if was, ok := before.Index[name]; ok && was != place {
				total += units(old, writeUnit)
			}
		}
	}
	if before != nil {
		for name := range before.Index {
			if _, stays := after.Index[name]; !stays {
				total += units(old, writeUnit)
			}
		}
	}
	return 2 * total
}

// billed is the duration that Lambda bills for: whole milliseconds, begun ones included.
func billed(took time.Duration) int64 {
	return int64((took + time.Millisecond - 1) / time.Millisecond)
}
