package function

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/sandbox"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
)

// variable holds Given in a process's environment.
const variable = "FLEET_LOCAL"

// Given is what a process is told of its surroundings; what is secret it asks for.
type Given struct {
	// Fleet and Machine are the same instant in the fleet's time and in the machine's, and Speed how many times as fast the fleet's runs.
	Fleet, Machine time.Time
	Speed          float64
	Places         places
	Roots          []byte // PEM, of the public network's certificates
	Vendors        provider.Settings
	Settings       step.Settings
}

// places are endpoints without what is no text.
type places struct {
	provider.Endpoints
	Edge *struct{} `json:",omitempty"` // hides the one of functions
}

// Tell writes what a process is given that starts now, as variables of its environment. c is the fleet's clock.
func (g Given) Tell(c clock.Clock, e provider.Endpoints) []string {
	g.Fleet, g.Machine, g.Places = c.Now(), clock.System().Now(), places{Endpoints: e}
	text, _ := json.Marshal(g) // it has nothing that does not encode
	return []string{variable + "=" + string(text)}
}

// clock runs as the fleet's does.
func (g Given) clock() clock.Clock {
	since := clock.System().Now().Sub(g.Machine)
	return clock.Scaled(g.Fleet.Add(time.Duration(float64(since)*g.Speed)), g.Speed)
}

// runner is the local runner, as a process sees it.
type runner struct {
	url       string // of the ports
	transport *http.Transport
}

// Main runs the function that the environment names under Lambda's runtime, on the ports of the runner that started this process.
// It doesn't return.
func Main(openers map[string]step.Opener) {
	f, known := catalog.ByName(os.Getenv("AWS_LAMBDA_FUNCTION_NAME"))
	var g Given
	if err := json.Unmarshal([]byte(os.Getenv(variable)), &g); err != nil || !known {
		log.Fatal("this is started by \"demo -processes\" and \"serve -processes\", not by people")
	}
	r := runner{"http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + sandbox.PortsPath, &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 10}}
	ports, err := r.ports(g)
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartWithOptions(&invoked{entry: f, open: openers[f.Name], env: ports.Env(""), speed: g.Speed})
}

// invoked is the runtime's handler. As on AWS, what is costly to make lives as long as the process does.
type invoked struct {
	entry catalog.Function
	open  step.Opener
	env   step.Env
	speed float64
}

// Invoke answers one invocation. Its deadline comes in the machine's time.
func (i *invoked) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	at, _ := ctx.Deadline() // Lambda always sets one
	left := time.Duration(float64(at.Sub(clock.System().Now())) * i.speed)
	ctx, cancel := i.env.Clock.WithTimeout(context.WithoutCancel(ctx), left)
	defer cancel()
	env := i.env
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		env.Request = invocation.AwsRequestID
	}
	handler, err := i.open(env)
	if err != nil {
		return nil, messages.InvokeResponse_Error{Type: string(fault.Internal), Message: "the function did not open"}
	}
	return step.Invoke(ctx, env, i.entry, handler, payload)
}

// ports are the runner's. Customers' databases are reached directly, as in production.
func (r runner) ports(g Given) (Ports, error) {
	release, err := events.Release()
	if err != nil {
		return Ports{}, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(g.Roots) {
		return Ports{}, errors.New("the public network's certificates do not parse")
	}
	endpoints := g.Places.Endpoints
	endpoints.Edge = provider.Edge{Roots: roots,
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) { return r.dial(ctx, address, nil) },
		Outside: func(ctx context.Context, _, address string, control func(network, address string) error) (net.Conn, error) {
			return r.dial(ctx, address, control)
		}}
	c := g.clock()
	credentials := provider.NewCredentials(c, r.secret)
	return Ports{Clock: c, Fleet: remoteTable{r, "/fleet"}, Noted: remoteTable{r, "/noted"}, Keys: remoteTable{r, "/keys"}, KeyEncryptionKey: remoteKey{r},
		Network: through{r}, Endpoints: endpoints, Vendors: g.Vendors, Secrets: r.secret, Credentials: credentials, Credential: credentials.Get,
		Databases: schema.Open, Executions: remoteExecutions{r}, Trigger: r.trigger, Publish: r.publish, Logs: r.logs, Surroundings: remoteSurroundings{r},
		Calendar: remoteCalendar{r}, Exports: remoteObjects{r, "/exports"}, Archive: remoteObjects{r, "/archive"}, History: remoteObjects{r, "/history"}, Release: release, Settings: g.Settings, Log: slog.New(slog.NewJSONHandler(os.Stdout, nil))}, nil
}
