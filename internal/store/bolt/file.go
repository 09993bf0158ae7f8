package bolt

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// file is an open file, shared by the tables in it: bbolt locks a file per opening, even against its own process.
type file struct {
	db    *bbolt.DB
	info  os.FileInfo
	sync  bool
	users int
}

// opened holds the files that are open in this process.
var opened struct {
	sync.Mutex
	files []*file
}

func acquire(path string, sync bool) (*file, error) {
	opened.Lock()
	defer opened.Unlock()
	if info, err := os.Stat(path); err == nil {
		for _, f := range opened.files {
			if !os.SameFile(f.info, info) {
				continue
			}
			if f.sync != sync {
				return nil, errors.New("its file is open with another choice of Sync")
			}
			f.users++
			return f, nil
		}
	}
	f, err := openFile(path, sync)
	if err != nil {
		return nil, err
	}
	opened.files = append(opened.files, f)
	return f, nil
}

func openFile(path string, sync bool) (*file, error) {
	// The shortest time-out makes bbolt try the lock once. With a longer one it would poll, sleeping, under our mutex:
	// that hangs a synctest bubble in which somebody else opens a table.
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 1, NoSync: !sync, NoGrowSync: !sync})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &file{db: db, info: info, sync: sync, users: 1}, nil
}

// release closes the file when its last user lets go of it.
func (f *file) release() error {
	opened.Lock()
	defer opened.Unlock()
	if f.users--; f.users > 0 {
		return nil
	}
	opened.files = slices.DeleteFunc(opened.files, func(o *file) bool { return o == f })
	if err := f.db.Close(); err != nil {
		return fmt.Errorf("close table's file: %w", err)
	}
	return nil
}
