// Package asl is a strict interpreter of the part of Amazon States Language that Fleet's workflows use, and the service
// that runs executions of them as AWS Step Functions' standard workflows do.
//
// Implemented, in AWS's semantics for JSONPath workflows: Task (arn:aws:states:::lambda:invoke and
// arn:aws:states:::states:startExecution), Pass, Choice, Wait, Succeed, Fail and Parallel; InputPath, Parameters,
// ResultSelector, ResultPath, OutputPath with reference paths; the context object; Retry, Catch and time-outs; execution
// names, quotas and history. Everything else is refused by Parse, by name and place: a field that is silently ignored
// would make a workflow pass here and fail on AWS.
//
// Causes and histories follow what AWS was seen to answer. Three things are stricter than AWS: a state's name is used
// once in a whole definition, functions and state machines are named by literals, and States.Runtime, which AWS accepts
// in ErrorEquals and never matches, is refused there.
//
// A Lambda is never stopped: when its Task times out, its branch is dropped because a sibling failed, or its execution
// is stopped, the handler runs on and its answer is dropped.
package asl
