using System.Text;
using Gristmill.Grains.Bridge;
using Gristmill.Store;

namespace Gristmill.Grains.Tests.DeadLetters;

/// <summary>What is pushed to the lists of others.</summary>
public sealed class OutcomeMessagesTests
{
    [Fact]
    public void Text_is_written_as_it_is()
    {
        var header = new JobHeader();
        header.AddError(new JobError(0, 1, "error", "it's <b> + ü"));
        Assert.Contains("\"message\":\"it's <b> + ü\"", Encoding.UTF8.GetString(OutcomeMessages.Reply("a+b", "asr", JobState.Dead, 1, header, default)), StringComparison.Ordinal);
    }
}
