package objects

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/project-gimbal/fleet/internal/fault"
)

var keyPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./%-]*$`) })

// maxKey is the longest key, in bytes.
const maxKey = 512

// CheckKey returns an Internal fault for what is no key.
func CheckKey(key string) error {
	hidden := func(part string) bool { return strings.HasPrefix(part, ".") }
	if len(key) > maxKey || !keyPattern().MatchString(key) || !fs.ValidPath(key) || slices.ContainsFunc(strings.Split(key, "/"), hidden) {
		return fault.New(fault.Internal, "%q is no key of an object", key)
	}
	return nil
}
