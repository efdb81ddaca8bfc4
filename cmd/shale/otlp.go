package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// otlpExporter sends spans to a collector: OTLP over HTTP, in its JSON form. The exporter of
// OpenTelemetry's own repository would bring gRPC into the program, half as much again as all
// of it.
type otlpExporter struct {
	url    string
	client *http.Client
}

// otlpTimeout bounds one batch; what does not get through by then is lost.
const otlpTimeout = 10 * time.Second

// newTracer makes the tracer of a process: of the traces that begin here the given share, and
// of those that others began all that they chose.
func newTracer(endpoint string, share float64, service string) (*sdktrace.TracerProvider, error) {
	at, err := url.Parse(endpoint)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return nil, usageError("--otlp-endpoint %q is no URL: give the collector's, as in http://localhost:4318", endpoint)
	}
	if share < 0 || share > 1 {
		return nil, usageError("--trace-sample is a share from 0 to 1, not %v", share)
	}
	if at.Path == "" || at.Path == "/" {
		at.Path = "/v1/traces"
	}
	exporter := &otlpExporter{url: at.String(), client: &http.Client{Timeout: otlpTimeout}}
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(share))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", service),
			attribute.String("service.version", version)))), nil
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *otlpExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	body, err := json.Marshal(otlpRequest(spans))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := e.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the collector at %s answered %s: %s", e.url, res.Status, said)
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (e *otlpExporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

// The messages of OTLP, as far as they are sent.
type (
	otlpTraces struct {
		ResourceSpans []otlpResource `json:"resourceSpans"`
	}
	otlpResource struct {
		Resource   otlpFields  `json:"resource"`
		ScopeSpans []otlpScope `json:"scopeSpans"`
	}
	otlpFields struct {
		Attributes []otlpAttribute `json:"attributes"`
	}
	otlpScope struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpSpan struct {
		TraceID    string          `json:"traceId"`
		SpanID     string          `json:"spanId"`
		Parent     string          `json:"parentSpanId,omitempty"`
		Name       string          `json:"name"`
		Kind       int             `json:"kind"`
		Start      string          `json:"startTimeUnixNano"`
		End        string          `json:"endTimeUnixNano"`
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Status     otlpStatus      `json:"status"`
	}
	otlpStatus struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
	otlpAttribute struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
)

// otlpRequest makes one message of spans, by the package that made them.
func otlpRequest(spans []sdktrace.ReadOnlySpan) *otlpTraces {
	out := otlpResource{Resource: otlpFields{otlpAttributes(spans[0].Resource().Attributes())}}
	at := map[string]int{}
	for _, s := range spans {
		name := s.InstrumentationScope().Name
		i, ok := at[name]
		if !ok {
			i = len(out.ScopeSpans)
			at[name] = i
			out.ScopeSpans = append(out.ScopeSpans, otlpScope{})
			out.ScopeSpans[i].Scope.Name = name
		}
		out.ScopeSpans[i].Spans = append(out.ScopeSpans[i].Spans, otlpOf(s))
	}
	return &otlpTraces{ResourceSpans: []otlpResource{out}}
}

func otlpOf(s sdktrace.ReadOnlySpan) otlpSpan {
	m := otlpSpan{TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), Name: s.Name(),
		Kind: int(s.SpanKind()), Start: strconv.FormatInt(s.StartTime().UnixNano(), 10),
		End: strconv.FormatInt(s.EndTime().UnixNano(), 10), Attributes: otlpAttributes(s.Attributes())}
	if s.Parent().SpanID().IsValid() {
		m.Parent = s.Parent().SpanID().String()
	}
	switch s.Status().Code { // numbered the other way round there
	case codes.Ok:
		m.Status.Code = 1
	case codes.Error:
		m.Status = otlpStatus{Code: 2, Message: s.Status().Description}
	}
	return m
}

func otlpAttributes(list []attribute.KeyValue) []otlpAttribute {
	var out []otlpAttribute
	for _, kv := range list {
		value := map[string]any{"stringValue": kv.Value.String()}
		switch kv.Value.Type() {
		case attribute.INT64:
			value = map[string]any{"intValue": strconv.FormatInt(kv.Value.AsInt64(), 10)}
		case attribute.BOOL:
			value = map[string]any{"boolValue": kv.Value.AsBool()}
		case attribute.FLOAT64:
			value = map[string]any{"doubleValue": kv.Value.AsFloat64()}
		}
		out = append(out, otlpAttribute{string(kv.Key), value})
	}
	return out
}
