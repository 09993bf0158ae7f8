// Package faults holds the fault matrix: a clean provisioning, and one that is taken down, a suspension, a resumption, and a suspension
// that is undone, an export, and each part of an instance's end with the ways back from it, in virtual time, and then the same workflows
// again with every fault at every one of their calls of vendors and at every one of their commits, and several faults drawn by seed. It
// is built with the tag faults only: "make faults" runs it.
//
// A case is a list of faults, separated by commas, and repeats one run: ARGS='-faults.case supabase.CreateProject=lost@1'. A
// fault of a call is written as a fault script has it (package sim). One of a commit is "function.invocation.commit=harm", such as
// "create-project.1.2=crash-after": the second commit of the first invocation of create-project; with a "w" before its last number it is of
// another write, of a file, to a vendor or in the calendar. Cases of any workflow but a provisioning say which it is:
// ARGS='-faults.of suspend -faults.case point-host.1.2=crash-after'.
//
// With the tag mutants it switches the protocol's rules off and wants the matrix to fail: "make mutants".
package faults
