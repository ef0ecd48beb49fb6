using Gristmill.Grains.Options;
using Gristmill.Silo.Http.Access;
using Gristmill.Testing;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Tests.Commands;

public sealed class KeysCommandTests(SharedStores stores) : IClassFixture<SharedStores>
{
    [Fact]
    public async Task New_key_is_printed_once_and_the_silo_that_is_told_its_hash_knows_it()
    {
        await using var commands = await CommandFixture.CreateAsync(stores);
        commands.Variables["Gristmill__Access__Keys__0__Name"] = "first";
        var made = await commands.RunAsync("keys", "new", "--role", "operate", "--name", "ci");
        var lines = made.Out.Split('\n').Select(l => l.Trim()).ToList();
        var key = Assert.Single(lines, l => l.StartsWith("gm_", StringComparison.Ordinal));
        string Value(string option) => Assert.Single(lines, l => l.StartsWith($"Gristmill__Access__Keys__1__{option}=", StringComparison.Ordinal)).Split('=')[1];
        var options = new GristmillOptions { Access = { Keys = [new() { Name = Value("Name"), Role = Enum.Parse<AccessRole>(Value("Role")), Hash = Value("Hash") }] } };

        Assert.Equal(0, made.Status);
        Assert.Equal(43 + AccessKeys.Prefix.Length, key.Length);
        Assert.Equal(("ci", AccessRole.Operate), new AccessKeys(Options.Create(options)).Find(key) is { } known ? (known.Name, known.Role) : default);
        Assert.Null(new AccessKeys(Options.Create(options)).Find(key[..^1]));
        Assert.NotEqual(made.Out, (await commands.RunAsync("keys", "new", "--role", "operate", "--name", "ci")).Out);
    }

    [Theory]
    [InlineData("--role", "root", "--name", "ci")]
    [InlineData("--role", "read", "--name", "a b")]
    [InlineData("--role", "read")]
    public async Task New_key_without_a_role_and_a_name_is_bad_usage(params string[] arguments)
    {
        await using var commands = await CommandFixture.CreateAsync(stores);
        Assert.Equal(2, (await commands.RunAsync(["keys", "new", .. arguments])).Status);
    }
}
