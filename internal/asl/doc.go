// Package asl is a strict interpreter of Amazon States Language with JSONPath, and the service that runs executions of
// it as AWS Step Functions' standard workflows do.
//
// Parse reads the definitions that Fleet runs: their Tasks are lambda:invoke and states:startExecution, and name
// functions and state machines by literals. ParseAny reads any definition; its Tasks, whatever their resource, get their
// answers from Mocks. All the rest is the same for both: every type of state, Map inline only; every Choice operator;
// paths in AWS's (Jayway's) semantics; intrinsic functions; the context object; Retry, Catch and time-outs; execution
// names, quotas and history.
//
// What isn't implemented is refused by name and place: JSONata, variables, distributed Maps, functions in paths. A field
// that is silently ignored would make a workflow pass here and fail on AWS. Where it shows only in an execution that
// AWS's answer isn't known, the execution fails with ErrorUnsupported, which nothing catches.
//
// Causes, histories and the order of fields follow what AWS was seen to answer. A state's name is used once in a whole
// definition, as the states language asks. Parse alone refuses States.Runtime in ErrorEquals, which AWS accepts and
// never matches, and heartbeats, which nothing sends here.
//
// A Lambda is never stopped: when its Task times out, its branch is dropped because a sibling failed, or its execution
// is stopped, the handler runs on and its answer is dropped.
package asl
