package onaws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
)

// trigger invokes functions asynchronously, so that Lambda keeps the event and tries again by itself. Being invoked twice
// does no harm to any of them.
type trigger struct {
	call  call[*lambda.InvokeInput, *lambda.InvokeOutput, lambda.Options]
	clock clock.Clock
	names map[string]string // names or ARNs by the catalog's names
}

func (t trigger) invoke(ctx context.Context, function string) error {
	name, ok := t.names[function]
	if !ok {
		return fault.New(fault.Internal, "the function %s can't be triggered", function)
	}
	ctx, cancel := t.clock.WithTimeout(ctx, patience)
	defer cancel()
	_, err := t.call(ctx, &lambda.InvokeInput{FunctionName: aws.String(name), InvocationType: types.InvocationTypeEvent,
		Payload: []byte("{}")})
	if err != nil {
		return failed("Invoke", err)
	}
	return nil
}
