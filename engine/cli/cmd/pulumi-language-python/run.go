package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// alreadyTold is the executor's exit code for "the user has seen the error".
const alreadyTold = 32

func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	tc, err := resolve(req.Info)
	if err != nil {
		return nil, err
	}
	if err := tc.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	cmd, err := tc.Command(ctx, h.arguments(req)...)
	if err != nil {
		return nil, err
	}
	config, err := marshal(req.Config, "{}")
	if err != nil {
		return nil, err
	}
	secretKeys, err := marshal(req.ConfigSecretKeys, "[]")
	if err != nil {
		return nil, err
	}
	cmd.Env = append(environment(cmd), "PULUMI_CONFIG="+config, "PULUMI_CONFIG_SECRET_KEYS="+secretKeys)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	code, err := exitCode(cmd.Run())
	switch {
	case err != nil:
		return nil, err
	case code == 0:
		return &pulumirpc.RunResponse{}, nil
	case code == alreadyTold:
		return &pulumirpc.RunResponse{Bail: true}, nil
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the Python program exited with code %d", code)}, nil
	}
}

// arguments is the executor's command line; empty values are left out.
func (h *host) arguments(req *pulumirpc.RunRequest) []string {
	args := []string{h.executor}
	for _, option := range [][2]string{
		{"--monitor", req.MonitorAddress},
		{"--engine", h.engine},
		{"--project", req.Project},
		{"--root_directory", req.Info.RootDirectory},
		{"--stack", req.Stack},
		{"--pwd", req.Pwd},
		{"--dry_run", strconv.FormatBool(req.DryRun)},
		{"--parallel", strconv.Itoa(int(req.Parallel))},
		{"--organization", req.Organization},
	} {
		if option[1] != "" {
			args = append(args, option[0], option[1])
		}
	}
	return append(append(args, req.Info.EntryPoint), req.Args...)
}

// RunPlugin runs a plugin written in Python: a policy pack by the module that
// serves its policies, any other kind as a program.
func (h *host) RunPlugin(
	req *pulumirpc.RunPluginRequest, server pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	tc, err := resolve(req.Info)
	if err != nil {
		return err
	}
	args, dir := append([]string{req.Info.ProgramDirectory}, req.Args...), req.Pwd
	if req.Kind == "analyzer" {
		args = append(append([]string{"-u", "-m", "pulumi.policy"}, req.Args...), req.Info.ProgramDirectory)
		dir = req.Info.ProgramDirectory
	}
	cmd, err := tc.Command(server.Context(), args...)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(server, false)
	if err != nil {
		return err
	}
	defer closer.Close()
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(environment(cmd), req.Env...), stdout, stderr
	code, err := exitCode(cmd.Run())
	if err != nil || code == 0 {
		return err
	}
	return server.Send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(code)},
	})
}

// environment is the command's own, or this process's where it has none.
func environment(cmd *exec.Cmd) []string {
	if cmd.Env != nil {
		return cmd.Env
	}
	return os.Environ()
}

// exitCode tells a program that ran and failed (its code) from one that never
// ran (an error).
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// marshal is JSON, with `empty` for a nil map or list: the SDK refuses "null".
func marshal[T map[string]string | []string](value T, empty string) (string, error) {
	if value == nil {
		return empty, nil
	}
	text, err := json.Marshal(value)
	return string(text), err
}
