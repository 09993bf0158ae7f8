// Package arch holds the tests of Fleet's architecture. Each rule is a function over a source tree that lists what breaks it;
// the tests run every rule on this tree, and on copies in which one thing was broken, where the rule must say so.
//
// The two diagrams of the README are drawn from the code. After a change of the workflows or of the table of moves:
//
//	go test ./internal/arch -run Diagrams -update
//
// The README's demo is pasted from a terminal of 100 columns, and must show the states that a provisioning passes.
package arch
