// Package objects keeps files under keys, as a bucket of S3 does: what is written is there whole or not at all, and a large file is
// uploaded part by part, by several invocations if need be.
package objects

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrExists is what PutOnce returns where the key is taken.
var ErrExists = errors.New("there is an object of this key already")

// MinPart is how large each part of an upload but its last must be, MaxParts how many parts there may be. They are S3's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	MinPart  = 5 << 20
	MaxParts = 10_000
)

// Object is one that is there.
type Object struct {
	Key  string
	Size int64 // in bytes
	// Tag is another one whenever the object was written with another content. Head tells it, List doesn't.
	Tag string
}

// Fingerprint is one for objects as Head told them, in hex: the same as long as each is as it was.
func Fingerprint(all []Object) string {
	sum := sha256.New()
	for _, o := range all {
		_, _ = fmt.Fprintf(sum, "%q %d %q\n", o.Key, o.Size, o.Tag) // a hash takes whatever is written
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Part is one of an upload that was taken.
type Part struct {
	Number int    `json:"number"` // from 1
	Tag    string `json:"tag"`    // what the store knows it by
}

// Store is a place for objects. A key is made of letters, digits and -_.%/, begins with neither "/" nor ".", and has no part ".." or
// "". What isn't there is fs.ErrNotExist; other errors are faults: Unavailable for what time may heal, Internal for what it won't.
type Store interface {
	// Put writes an object of one piece, over one that is there.
	Put(ctx context.Context, key string, body []byte) error
	// PutOnce writes an object of one piece, or returns ErrExists.
	PutOnce(ctx context.Context, key string, body []byte) error
	// Begin begins an upload. One that is never completed is dropped by itself, days later.
	Begin(ctx context.Context, key string) (upload string, err error)
	// Part writes a part of an upload, over one of that number. It may be repeated.
	Part(ctx context.Context, key, upload string, number int, body []byte) (Part, error)
	// Complete makes the object of its parts, in the order of their numbers. Completing again what is complete is success as long as
	// the object is there.
	Complete(ctx context.Context, key, upload string, parts []Part) error
	// Abort drops an upload. One that isn't there is success.
	Abort(ctx context.Context, key, upload string) error
	// Head describes an object.
	Head(ctx context.Context, key string) (Object, error)
	// Read reads an object from an offset on. Whoever reads closes it; an answer that breaks off is an error of a read.
	Read(ctx context.Context, key string, offset int64) (io.ReadCloser, error)
	// List lists the objects whose keys begin with prefix, by key.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Link is a URL by which whoever has it downloads the object as a file of that name, until it expires.
	Link(ctx context.Context, key, name string, valid time.Duration) (string, error)
}
