package main

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// listPlugins is run by the project's interpreter. It is quicker than `pip
// list`, which matters because the engine asks before every preview and update.
//
//go:embed list_plugins.py
var listPlugins string

// pluginPackage is one line of what list_plugins.py prints.
type pluginPackage struct {
	Package string                  `json:"package"` // the distribution's name
	Version string                  `json:"version"` // the distribution's, as PEP 440 writes it
	Plugin  plugin.PulumiPluginJSON `json:"plugin"`
}

// GetRequiredPackages names the plugins that the installed packages want, from
// the pulumi-plugin.json that each generated SDK carries.
func (h *host) GetRequiredPackages(
	ctx context.Context, req *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	tc, err := resolve(req.Info)
	if err != nil {
		return nil, err
	}
	if err := tc.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	var found []pluginPackage
	if err := ask(ctx, tc, listPlugins, &found); err != nil {
		return nil, fmt.Errorf("list the installed Pulumi packages: %w", err)
	}
	var packages []*pulumirpc.PackageDependency
	for _, p := range found {
		if p.Plugin.Resource {
			packages = append(packages, p.dependency())
		}
	}
	return &pulumirpc.GetRequiredPackagesResponse{Packages: packages}, nil
}

func (h *host) GetProgramDependencies(
	ctx context.Context, req *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	tc, err := resolve(req.Info)
	if err != nil {
		return nil, err
	}
	if err := tc.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	installed, err := tc.ListPackages(ctx, req.TransitiveDependencies)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetProgramDependenciesResponse{}
	for _, p := range installed {
		response.Dependencies = append(response.Dependencies,
			&pulumirpc.DependencyInfo{Name: p.Name, Version: p.Version})
	}
	return response, nil
}

func (p pluginPackage) dependency() *pulumirpc.PackageDependency {
	name, pluginVersion := p.Plugin.Name, p.Plugin.Version
	if name == "" {
		name = strings.TrimPrefix(strings.TrimPrefix(p.Package, "pulumi-"), "pulumi_")
	}
	if pluginVersion == "" {
		pluginVersion = semanticVersion(p.Version)
	}
	return &pulumirpc.PackageDependency{
		Name:             name,
		Kind:             string(apitype.ResourcePlugin),
		Version:          pluginVersion,
		Server:           p.Plugin.Server,
		Parameterization: parameterization(p.Plugin.Parameterization),
		Extension:        parameterization(p.Plugin.ExtensionParameterization),
	}
}

func parameterization(p *plugin.PulumiParameterizationJSON) *pulumirpc.PackageParameterization {
	if p == nil {
		return nil
	}
	return &pulumirpc.PackageParameterization{Name: p.Name, Version: p.Version, Value: p.Value}
}

var pep440 = regexp.MustCompile(`^v?(\d+\.\d+\.\d+)(?:(a|b|rc)(\d+))?(?:\.post\d+)?(?:\+.*)?$`)

// semanticVersion turns a Python version into the plugin's, or into nothing
// (any version will do) where it has no counterpart, such as a development one.
func semanticVersion(python string) string {
	parts := pep440.FindStringSubmatch(python)
	if parts == nil {
		return ""
	}
	if parts[2] == "" {
		return parts[1]
	}
	stage := map[string]string{"a": "alpha", "b": "beta", "rc": "rc"}[parts[2]]
	return fmt.Sprintf("%s-%s.%s", parts[1], stage, parts[3])
}
