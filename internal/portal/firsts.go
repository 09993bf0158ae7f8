package portal

import (
	"crypto/sha256"
	"sync"
)

// remembered is how many of the last forms' first sendings are known.
const remembered = 10_000

// firsts are digests of what was sent first under a webhook's id. Where the answer was lost the API repeats it to whatever comes under
// that id: by its digest it is told whether that is what the applicant sees now.
type firsts struct {
	mu      sync.Mutex
	digests map[string][sha256.Size]byte
	order   []string // of the ids, oldest first
}

// same reports whether a body is the first under an id, and remembers it if there is none.
func (f *firsts) same(id string, body []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	digest := sha256.Sum256(body)
	if first, there := f.digests[id]; there {
		return first == digest
	}
	if f.digests == nil {
		f.digests = map[string][sha256.Size]byte{}
	}
	f.digests[id] = digest
	f.order = append(f.order, id)
	if len(f.order) > remembered {
		delete(f.digests, f.order[0])
		f.order = f.order[1:]
	}
	return true
}

// took makes a body the first under an id: the API took it, and none before it.
func (f *firsts) took(id string, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, there := f.digests[id]; there {
		f.digests[id] = sha256.Sum256(body)
	}
}

// refused lets the next body under an id be the first, if this one was.
func (f *firsts) refused(id string, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.digests[id] == sha256.Sum256(body) {
		delete(f.digests, id)
	}
}
