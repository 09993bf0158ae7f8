// Package e2e holds the tests of Fleet as it is deployed: the template that the CDK app synthesises and the real functions,
// on an emulator of AWS that others wrote (MiniStack), with the vendors' simulators and PostgreSQL beside it. They are built
// with the tag e2e only: "make e2e" runs them.
//
// Where the emulator does otherwise than AWS, a comment beside the work-around says what it does.
package e2e
