//go:build load

package world_test

import "testing"

// TestFiftyAtOnce is TestManyAtOnce with fifty. It is slow under the race detector.
func TestFiftyAtOnce(t *testing.T) { manyAtOnce(t, 50) }
