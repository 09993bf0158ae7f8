// Package trigger invokes functions asynchronously by Lambda.
package trigger

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/step"
)

// patience is how long one call may take, its retries included.
const patience = 10 * time.Second

// Open puts Trigger into env, for the functions that the configuration names.
func Open(p onaws.Parts, env *step.Env) {
	names := map[string]string{catalog.Admit.Name: p.Config.AdmitFunction, catalog.Deliver.Name: p.Config.DeliverFunction}
	env.Trigger = trigger{lambda.NewFromConfig(p.AWS).Invoke, p.Clock, names}.invoke
}

// trigger invokes functions asynchronously, so that Lambda keeps the event and tries again by itself. Being invoked twice
// does no harm to any of them.
type trigger struct {
	call  func(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
	clock clock.Clock
	names map[string]string // names or ARNs by the catalog's names; empty for those that the function may not invoke
}

func (t trigger) invoke(ctx context.Context, function string) error {
	name := t.names[function]
	if name == "" {
		return fault.New(fault.Internal, "the function %s can't be triggered from here", function)
	}
	ctx, cancel := t.clock.WithTimeout(ctx, patience)
	defer cancel()
	_, err := t.call(ctx, &lambda.InvokeInput{FunctionName: aws.String(name), InvocationType: types.InvocationTypeEvent,
		Payload: []byte("{}")})
	if err != nil {
		return onaws.Failed("Invoke", err)
	}
	return nil
}
