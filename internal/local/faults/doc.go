// Package faults holds the fault matrix: a clean provisioning, and one that is taken down, a suspension, a resumption, and a suspension
// that is undone, in virtual time, and then the same workflows again with every fault at every one of their calls of vendors and at
// every one of their commits, and provisionings with several faults drawn by seed. It is built with the tag faults only: "make
// faults" runs it.
//
// A case is a list of faults, separated by commas, and repeats one run: ARGS='-faults.case supabase.CreateProject=lost@1'. A
// fault of a call is written as a fault script has it (package sim). One of a commit is "function.invocation.commit=harm", such as
// "create-project.1.2=crash-after": the second commit of the first invocation of create-project. One of a suspension or a resumption
// says which: ARGS='-faults.of suspend -faults.case point-host.1.2=crash-after'.
//
// With the tag mutants it switches the protocol's rules off and wants the matrix to fail: "make mutants".
package faults
